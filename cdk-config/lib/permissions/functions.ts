import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { Config, Target } from '../config/index.js';
import { CONTRACT, type FunctionFacts, JOB_MACHINES, type Permission } from '../contract.js';
import type { Arns, Names } from '../names.js';
import { allow } from './statements.js';

/** What a function's role allows: its own log, and the permissions that the Rust code declares. */
export function functionStatements(
  { handler, permissions }: FunctionFacts,
  config: Config,
  names: Names,
  arns: Arns,
): PolicyStatement[] {
  return [
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arns.logStreams(names.functionLogs(handler))),
    ...permissions.flatMap((permission) => statements(permission, config, names, arns)),
  ];
}

function statements({ on, actions }: Permission, config: Config, names: Names, arns: Arns): PolicyStatement[] {
  if (on === 'targets') return onTargets(actions, config, names, arns);
  return [allow(actions, ...resources(on, config, arns))];
}

function resources(on: Exclude<Permission['on'], 'targets'>, config: Config, arns: Arns): string[] {
  if (on === 'anything') return ['*'];
  if (on === 'dead_letters') return [arns.deadLetters()];
  if (on === 'topics') return [arns.topic(), ...config.more_topics];
  if (on === 'tasks') return JOB_MACHINES.map((name) => arns.machine(name));
  if ('table' in on) return [arns.table(on.table)];
  if ('index' in on) return CONTRACT.tables[on.index].indexes.map(({ name }) => arns.index(on.index, name));
  if ('machine' in on) return on.machine.map((name) => arns.machine(name));
  return on.executions.map((name) => arns.executions(name));
}

/** Every target that a command may have. */
export function targets(config: Config): Target[] {
  return [...(config.default_target === undefined ? [] : [config.default_target]), ...config.more_targets];
}

/**
 * Commands run only the document of this deployment, on instances that are named or tagged. IAM evaluates the document
 * and the instance of a call: a statement for the document alone allows no instance, and the other way round.
 */
function onTargets(actions: readonly string[], config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const ids = targets(config).flatMap((target) => ('instance_ids' in target ? target.instance_ids : []));
  const byId = ids.map((id) => (id.startsWith('mi-') ? arns.managedInstance(id) : arns.instance(id)));
  const byTag = targets(config).flatMap((target) => {
    if (!('tags' in target)) return [];
    return new PolicyStatement({
      actions: [...actions],
      resources: [arns.instance('*'), arns.managedInstance('*')],
      conditions: {
        StringEquals: Object.fromEntries(
          Object.entries(target.tags).map(([key, value]) => [`ssm:resourceTag/${key}`, value]),
        ),
      },
    });
  });
  return [allow(actions, arns.document(names.runJob), ...new Set(byId)), ...byTag];
}
