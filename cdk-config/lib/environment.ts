import { type Config, TIMING, showDuration } from './config/index.js';
import { type Arns, FUNCTIONS, MACHINES, type Names } from './names.js';

/**
 * The environment from which a function reads the deployment: the variables of `core/src/env.rs`. All functions get
 * the same, because each checks the whole of it when it starts.
 */
export function environment(config: Config, names: Names, arns: Arns): Record<string, string> {
  const variable = (name: string): string => name.toUpperCase().replaceAll('-', '_');
  const given: Record<string, string | undefined> = {
    ...config.function_environment,
    RSQLFLOW_PREFIX: names.prefix,
    RSQLFLOW_CONFIG_TABLE: names.tables.config,
    RSQLFLOW_WORKFLOW_AUDIT_TABLE: names.tables.workflowAudit,
    RSQLFLOW_JOB_AUDIT_TABLE: names.tables.jobAudit,
    RSQLFLOW_AUDIT_RETENTION: config.audit_retention === undefined ? undefined : showDuration(config.audit_retention),
    RSQLFLOW_LOG_GROUP: config.log_group,
    RSQLFLOW_SSM_DOCUMENT: names.runJob,
    RSQLFLOW_TOPIC_ARN: arns.topic(),
    RSQLFLOW_LAMBDA_TIMEOUT: showDuration(TIMING.lambdaTimeout),
    RSQLFLOW_DEFAULT_SECRET: config.default_secret,
    RSQLFLOW_DEFAULT_TARGET: config.default_target === undefined ? undefined : JSON.stringify(config.default_target),
    RSQLFLOW_DEFAULT_HEARTBEAT: showDuration(config.default_heartbeat),
    RSQLFLOW_DEFAULT_TIMEOUT: showDuration(config.default_timeout),
  };
  for (const name of FUNCTIONS) given[`RSQLFLOW_${variable(name)}_FUNCTION`] = names.function(name);
  for (const name of MACHINES) {
    given[`RSQLFLOW_${variable(name)}_MACHINE`] = names.machine(name);
    given[`RSQLFLOW_${variable(name)}_MACHINE_ARN`] = arns.machine(name);
  }
  return Object.fromEntries(Object.entries(given).filter((pair): pair is [string, string] => pair[1] !== undefined));
}
