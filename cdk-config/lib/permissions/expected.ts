import { App, Stack } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { type Config, readConfig } from '../config/index.js';
import { FUNCTIONS, MACHINES, Names } from '../names.js';
import { agentStatements } from './agent.js';
import { functionStatements } from './functions.js';
import { machineStatements } from './machines.js';

/** A statement with placeholders for what a deployment decides: `${Prefix}`, `${ConfigTable}`, `${Account}`. */
interface Expected {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Keys of a condition, and the value of each. */
  readonly context: Readonly<Record<string, string>>;
}

/** What every role may do, for `rsqlflow doctor --aws`, which asks IAM whether each still may. */
export interface Permissions {
  readonly functions: Readonly<Record<string, readonly Expected[]>>;
  readonly machines: Readonly<Record<string, readonly Expected[]>>;
  readonly agent: readonly Expected[];
}

/** The permissions as `permissions.json` has them, made of the very statements that are deployed. */
export function expectedPermissions(): Permissions {
  const config: Config = {
    ...readConfig(() => undefined).config,
    prefix: '${Prefix}',
    config_table: '${ConfigTable}',
    workflow_audit_table: '${WorkflowAuditTable}',
    job_audit_table: '${JobAuditTable}',
    log_group: '${LogGroup}',
    topic_arn: '${TopicArn}',
    default_target: { tags: { '${TagKey}': '${TagValue}' } },
    more_targets: [{ instance_ids: ['${InstanceId}'] }],
  };
  const stack = new Stack(new App(), 'Expected');
  const names = new Names(config);
  const arns = names.arns(stack);
  const told = (statements: PolicyStatement[]): Expected[] =>
    statements.map((statement) => expected(stack.resolve(statement.toStatementJson()) as StatementJson));
  return {
    functions: Object.fromEntries(FUNCTIONS.map((name) => [name, told(functionStatements(name, config, names, arns))])),
    machines: Object.fromEntries(MACHINES.map((name) => [name, told(machineStatements(name, names, arns))])),
    agent: told(agentStatements(config, names, arns)),
  };
}

/** As a file of the repository. */
export function permissionsFile(): string {
  return `${JSON.stringify(expectedPermissions(), undefined, 2)}\n`;
}

interface StatementJson {
  readonly Action: unknown;
  readonly Resource: unknown;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

function expected({ Action, Resource, Condition }: StatementJson): Expected {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
  const context: Record<string, string> = {};
  for (const [operator, pairs] of Object.entries(Condition ?? {})) {
    // Whoever simulates has to give a value that fulfils it, which only for equality is the value itself.
    if (operator !== 'StringEquals') throw new Error(`conditions with ${operator} cannot be told`);
    for (const [key, value] of Object.entries(pairs)) context[key] = filled(value);
  }
  return { actions: list(Action).map(String), resources: list(Resource).map(filled), context };
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': '${Partition}',
  'AWS::Region': '${Region}',
  'AWS::AccountId': '${Account}',
};

/** A value of a template as text, with placeholders for where it is deployed. */
function filled(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  if (join !== undefined) return join[1].map(filled).join(join[0]);
  const placeholder = ref === undefined ? undefined : PSEUDO[ref];
  if (placeholder === undefined) throw new Error(`${JSON.stringify(value)} cannot be told`);
  return placeholder;
}
