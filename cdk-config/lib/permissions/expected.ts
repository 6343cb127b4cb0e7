import { App, Stack } from 'aws-cdk-lib';
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { type Config, readConfig } from '../config/index.js';
import { CONTRACT, MACHINES } from '../contract.js';
import { Names } from '../names.js';
import { machineDefinition } from '../package.js';
import { agentStatements } from './agent.js';
import { functionStatements } from './functions.js';
import { machineStatements } from './machines.js';

/** A statement with placeholders for what a deployment decides: `${Prefix}`, `${ConfigTable}`, `${Account}`. */
interface Expected {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Keys of a condition, and their values. */
  readonly context: Readonly<Record<string, readonly string[]>>;
}

/** What every role allows, for `rsqlflow doctor --aws`, which asks IAM whether each role still does. */
export interface Permissions {
  readonly functions: Readonly<Record<string, readonly Expected[]>>;
  readonly machines: Readonly<Record<string, readonly Expected[]>>;
  readonly agent: readonly Expected[];
}

/** The contents of `permissions.json`, made of the statements that are deployed. */
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
  const resolved = (statements: PolicyStatement[]): Expected[] =>
    statements.map((statement) => expected(stack.resolve(statement.toStatementJson()) as StatementJson));
  return {
    functions: Object.fromEntries(
      CONTRACT.functions.map((one) => [one.handler, resolved(functionStatements(one, config, names, arns))]),
    ),
    machines: Object.fromEntries(
      MACHINES.map((name) => [name, resolved(machineStatements(name, machineDefinition(name), names, arns))]),
    ),
    agent: resolved(agentStatements(config, names, arns)),
  };
}

/** `permissions.json`. */
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
  const context: Record<string, string[]> = {};
  for (const [operator, pairs] of Object.entries(Condition ?? {})) {
    // The values fulfil the condition only with these operators.
    if (!['StringEquals', 'ForAllValues:StringEquals'].includes(operator))
      throw new Error(`a condition with ${operator} cannot be written to permissions.json`);
    for (const [key, value] of Object.entries(pairs)) context[key] = list(value).map(filled);
  }
  return { actions: list(Action).map(String), resources: list(Resource).map(filled), context };
}

const PSEUDO: Readonly<Record<string, string>> = {
  'AWS::Partition': '${Partition}',
  'AWS::Region': '${Region}',
  'AWS::AccountId': '${Account}',
};

/** A value of a template as text, with placeholders for partition, region and account. */
function filled(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref: ref, 'Fn::Join': join } = value as { Ref?: string; 'Fn::Join'?: [string, unknown[]] };
  if (join !== undefined) return join[1].map(filled).join(join[0]);
  const placeholder = ref === undefined ? undefined : PSEUDO[ref];
  if (placeholder === undefined) throw new Error(`${JSON.stringify(value)} cannot be written to permissions.json`);
  return placeholder;
}
