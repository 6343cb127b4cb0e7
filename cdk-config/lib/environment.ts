import { type Config, showDuration } from './config/index.js';
import { CONTRACT, TABLES } from './contract.js';
import type { Arns, Names } from './names.js';

/**
 * The environment of the functions. All of them get the same, because each reads the whole deployment when it starts. A
 * test checks that every `RSQLFLOW_` variable is one that the functions read.
 */
export function environment(config: Config, names: Names, arns: Arns): Record<string, string> {
  const launcher = CONTRACT.functions.find(({ handler }) => handler === 'rsql-invoke');
  const given: Record<string, string | undefined> = {
    ...config.function_environment,
    RSQLFLOW_PREFIX: names.prefix,
    RSQLFLOW_AUDIT_RETENTION: config.audit_retention === undefined ? undefined : showDuration(config.audit_retention),
    RSQLFLOW_LOG_GROUP: config.log_group,
    RSQLFLOW_SSM_DOCUMENT: names.runJob,
    RSQLFLOW_TOPIC_ARN: arns.topic(),
    RSQLFLOW_LAMBDA_TIMEOUT: launcher === undefined ? undefined : showDuration(launcher.timeout_seconds),
    RSQLFLOW_QUEUEING: showDuration(config.queueing),
    RSQLFLOW_DEFAULT_SECRET: config.default_secret,
    RSQLFLOW_DEFAULT_TARGET: config.default_target === undefined ? undefined : JSON.stringify(config.default_target),
    RSQLFLOW_WAREHOUSES: warehouses(config),
    RSQLFLOW_DEFAULT_HEARTBEAT: showDuration(config.default_heartbeat),
    RSQLFLOW_DEFAULT_TIMEOUT: showDuration(config.default_timeout),
  };
  for (const table of TABLES) given[CONTRACT.tables[table].variable] = names.tables[table];
  for (const { handler, variable } of CONTRACT.functions) given[variable] = names.function(handler);
  for (const { name, variable, arn_variable } of CONTRACT.machines) {
    given[variable] = names.machine(name);
    given[arn_variable] = arns.machine(name);
  }
  return Object.fromEntries(Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** The warehouses as the functions read them: the id of a workgroup is only for policies. */
function warehouses(config: Config): string | undefined {
  const all = Object.entries(config.warehouses);
  if (all.length === 0) return undefined;
  return JSON.stringify(Object.fromEntries(all.map(([name, { workgroup_id: _, ...one }]) => [name, one])));
}
