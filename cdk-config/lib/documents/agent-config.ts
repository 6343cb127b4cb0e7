import { type Config, showDuration } from '../config/index.js';
import type { Names } from '../names.js';

/** Where the agent looks for its settings. */
export const AGENT_CONFIG = '/etc/rsqlflow/agent.toml';

/** A duration as the agent reads it, where one is set; its word for ever is zero. */
function time(seconds: number | 'forever' | undefined): string | undefined {
  return seconds === undefined ? undefined : showDuration(seconds === 'forever' ? 0 : seconds);
}

/**
 * The agent's settings: the fields that `agent/src/config/settings.rs` reads. An agent refuses fields that it does not
 * know, so those that came later stand there only where they are set: an instance may keep an older agent.
 */
export function agentConfig(config: Config, names: Names): string {
  const fields: Record<string, string | number | undefined> = {
    prefix: names.prefix,
    config_table: names.tables.config,
    workflow_audit_table: names.tables.workflowAudit,
    job_audit_table: names.tables.jobAudit,
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
    max_jobs: config.max_jobs,
    log_retention: time(config.local_log_retention),
    cancel_poll: time(config.cancel_poll),
  };
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name} = ${JSON.stringify(value)}`],
  );
  return ['# Written by the deployment, which overwrites what is changed here.', ...lines, ''].join('\n');
}
