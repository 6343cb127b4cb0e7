import { type Config, showDuration } from '../config/index.js';
import type { Names } from '../names.js';

/** Where the agent reads its settings. */
export const AGENT_CONFIG = '/etc/rsqlflow/agent.toml';

/** A duration as the agent reads it, if one is set. `0` means forever. */
function time(seconds: number | 'forever' | undefined): string | undefined {
  return seconds === undefined ? undefined : showDuration(seconds === 'forever' ? 0 : seconds);
}

/**
 * The settings of the agent. A test checks that each is one that the agent reads (`AGENT_SETTINGS` of the contract). An
 * agent refuses settings that it does not know, and an instance may have an older agent, so newer settings are written
 * only if they are set.
 */
export function agentConfig(config: Config, names: Names): string {
  const fields: Record<string, string | number | boolean | undefined> = {
    prefix: names.prefix,
    config_table: names.tables.config,
    workflow_audit_table: names.tables.workflow_audit,
    job_audit_table: names.tables.job_audit,
    log_group: config.log_group,
    secret: config.default_secret,
    script_dir: config.script_dir,
    creds_dir: config.creds_dir,
    log_dir: config.log_dir,
    spool_dir: config.spool_dir,
    tools_dir: config.tools_dir,
    rsql_client: config.rsql_client,
    rsql_binary: config.rsql_binary,
    run_as: config.run_as,
    instance_credentials: config.instance_credentials,
    max_jobs: config.max_jobs,
    log_retention: time(config.local_log_retention),
    cancel_poll: time(config.cancel_poll),
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${JSON.stringify(value)}`],
  );
  return ['# Written by the deployment, which overwrites changes.', ...lines, ''].join('\n');
}
