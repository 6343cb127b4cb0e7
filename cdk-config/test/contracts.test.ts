/** What this app and the Rust code must say alike. */
import { describe, expect, test } from 'vitest';

import { SETTINGS } from '../lib/config/index.js';
import { agentConfig } from '../lib/documents/agent-config.js';
import { environment } from '../lib/environment.js';
import { App, Stack } from 'aws-cdk-lib';
import { FUNCTIONS, Names, pascal } from '../lib/names.js';
import { SHAPES } from '../lib/tables.js';
import { EVERYTHING, config, repository } from './support.js';

const all = config({ ...EVERYTHING, run_as: 'etl', creds_dir: '/c' });
const names = new Names(all);
const variables = environment(all, names, names.arns(new Stack(new App(), 'S')));

describe('the environment of the functions', () => {
  const known = [
    ...repository('core/src/env.rs')
      .split('SCRIPT:')[0]!
      .matchAll(/ = "(RSQLFLOW_[A-Z_]+)";/g),
  ].map((match) => match[1]!);

  test('has variables that the functions read', () => {
    expect(known.length).toBeGreaterThan(20);
    expect(Object.keys(variables).filter((name) => !known.includes(name))).toEqual([]);
  });

  test('leaves out only times, which have defaults that nobody needs to change', () => {
    expect(known.filter((name) => !(name in variables))).toEqual([
      'RSQLFLOW_SSM_DELIVERY',
      'RSQLFLOW_AGENT_START',
      'RSQLFLOW_CLOCK_MARGIN',
      'RSQLFLOW_STOP_GRACE',
      'RSQLFLOW_RENEWAL_LATENCY',
      'RSQLFLOW_MACHINE_RETRY_DELAY',
      'RSQLFLOW_QUEUEING',
    ]);
  });

  test('has durations and targets as the functions read them', () => {
    expect(variables).toMatchObject({
      RSQLFLOW_AUDIT_RETENTION: '400d',
      RSQLFLOW_DEFAULT_HEARTBEAT: '3m',
      RSQLFLOW_DEFAULT_TIMEOUT: '1d',
      RSQLFLOW_LAMBDA_TIMEOUT: '20s',
      RSQLFLOW_DEFAULT_TARGET: '{"tags":{"Role":"etl"}}',
      RSQLFLOW_RSQL_INVOKE_FUNCTION: 'team-rsql-invoke',
      RSQLFLOW_MASTER_MACHINE: 'team-master',
    });
  });

  test('has what the configuration adds', () => {
    const more = config({ function_environment: { HTTPS_PROXY: 'http://proxy:3128', RSQLFLOW_QUEUEING: '1h' } });
    expect(environment(more, names, names.arns(new Stack(new App(), 'S')))).toMatchObject({
      HTTPS_PROXY: 'http://proxy:3128',
      RSQLFLOW_QUEUEING: '1h',
    });
  });

  test('has no secret', () => {
    expect(Object.entries(variables).filter(([name]) => /PASSWORD|TOKEN|KEY/.test(name))).toEqual([]);
  });
});

test('default names are those of the functions', () => {
  const rust = repository('core/src/deployment.rs');
  for (const name of [
    ...FUNCTIONS,
    'master',
    'sequential',
    'parallel',
    'config-table',
    'workflow-audit-table',
    'job-audit-table',
    'run-job',
  ]) {
    expect(rust).toMatch(new RegExp(`(name|machine)\\("${name}"\\)`));
  }
  const plain = new Names(config());
  expect([plain.tables.config, plain.function('rsql-invoke'), plain.machine('master'), plain.runJob]).toEqual([
    'rsqlflow-config-table',
    'rsqlflow-rsql-invoke',
    'rsqlflow-master',
    'rsqlflow-run-job',
  ]);
});

test('handlers and placeholders are those of the package', () => {
  const rust = repository('lambdas/src/function.rs');
  const handlers = [...rust.matchAll(/Self::\w+ => "([a-z-]+)",/g)].map((match) => match[1]);
  expect(handlers).toEqual([...FUNCTIONS]);
  for (const [, placeholder] of rust.matchAll(/Some\("(\w+Arn)"\)/g))
    expect(FUNCTIONS.map((name) => `${pascal(name)}Arn`)).toContain(placeholder);
});

test('tables are those of the store', () => {
  const rust = repository('store/src/schema.rs');
  for (const shape of Object.values(SHAPES)) {
    expect(rust).toContain(`("${shape.partition}", KeyType::Hash)`);
    if ('sort' in shape) expect(rust).toContain(`("${shape.sort}", KeyType::Range)`);
    if (!('index' in shape)) continue;
    expect(rust).toContain(`"${shape.index.name}"`);
    expect(rust).toContain(`columns: &[${shape.index.columns.map((column) => `"${column}"`).join(', ')}]`);
  }
  const row = repository('store/src/job_audit/row.rs');
  expect(row).toContain('expires_at: Option<i64>');
});

test("the agent's settings are ones that it reads", () => {
  const rust = repository('agent/src/config/settings.rs');
  const fields = [...agentConfig(all, names).matchAll(/^(\w+) = /gm)].map((match) => match[1]!);
  expect(fields).toHaveLength(17);
  for (const field of fields)
    expect(rust).toMatch(new RegExp(`r\\s*\\.\\w+\\(\\s*"${field}"|\\.(name|text|directory)\\("${field}"`));
});

test("the documented defaults of what only the agent knows are the agent's", () => {
  const days = /"log_retention", None\)\s*\.unwrap_or\(Duration::from_secs\((\d+) \* 24 \* 3600\)\)/;
  expect(SETTINGS.local_log_retention.defaultText).toBe(
    `\`"${days.exec(repository('agent/src/config/settings.rs'))?.[1]}d"\``,
  );
  expect(repository('agent/src/config/settings.rs')).toMatch(/"cancel_poll", None\)\s*\.unwrap_or\(CANCEL_POLL\)/);
  const seconds = /CANCEL_POLL: Duration = Duration::from_secs\((\d+)\)/.exec(repository('core/src/timing.rs'))?.[1];
  expect(SETTINGS.cancel_poll.defaultText).toBe(`\`"${seconds}s"\``);
});

test('the choices of an rsql are those of the agent', () => {
  const choices = /RSQL_CLIENTS: \[&str; 3\] = \[([^\]]*)\]/.exec(repository('core/src/env.rs'))?.[1];
  for (const choice of (choices ?? 'none').split(', '))
    expect(agentConfig(config({ rsql_client: JSON.parse(choice) as string }), names)).toContain(
      `rsql_client = ${choice}`,
    );
});

test('the log lines that metrics are made of are written', () => {
  expect(repository('lambdas/src/rsql_invoke.rs')).toContain(
    'tracing::info!(?answer, retry = request.retry, "launcher")',
  );
  expect(repository('lambdas/src/closing/close.rs')).toMatch(/workflow_execution_id = %run, status = %verdict\.status/);
  expect(repository('lambdas/src/bin/bootstrap.rs')).toMatch(/\.json\(\)\s+\.flatten_event\(true\)/);
  expect(repository('core/src/workflow_status.rs')).toContain('Completed');
});

test('the event of a run that ended is one that update-audit takes', () => {
  const rust = repository('core/src/message/audit.rs');
  expect(rust).toMatch(/pub struct ExecutionEnded \{[^}]*pub detail: ExecutionDetail/);
  const { States } = JSON.parse(repository('cdk-config/machines/closer.asl.json')) as {
    States: { Close: { Parameters: { Payload: object } } };
  };
  expect(States.Close.Parameters.Payload).toEqual({ 'detail.$': '$.detail' });
});
