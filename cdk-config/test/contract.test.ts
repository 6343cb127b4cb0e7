/** What this app passes to functions and agents is what they read. */
import { App, Stack } from 'aws-cdk-lib';
import { describe, expect, test } from 'vitest';

import { SETTINGS } from '../lib/config/index.js';
import { CONTRACT, FUNCTIONS, MACHINES } from '../lib/contract.js';
import { agentConfig } from '../lib/documents/agent-config.js';
import { environment } from '../lib/environment.js';
import { Names } from '../lib/names.js';
import { EVERYTHING, config, repository } from './support.js';

const all = config({ ...EVERYTHING, run_as: 'etl', creds_dir: '/c' });
const names = new Names(all);
const variables = environment(all, names, names.arns(new Stack(new App(), 'S')));

describe('the environment of the functions', () => {
  test('has only variables that the functions read', () => {
    expect(Object.keys(variables).filter((name) => !CONTRACT.environment.includes(name))).toEqual([]);
  });

  test('leaves out only times that have no setting', () => {
    const missing = CONTRACT.environment.filter((name) => !(name in variables));
    expect(missing.filter((name) => !/_(DELIVERY|START|MARGIN|GRACE|LATENCY|RETRY_DELAY)$/.test(name))).toEqual([]);
  });

  test('has durations and targets in the format of the functions', () => {
    expect(variables).toMatchObject({
      RSQLFLOW_AUDIT_RETENTION: '400d',
      RSQLFLOW_DEFAULT_HEARTBEAT: '3m',
      RSQLFLOW_DEFAULT_TIMEOUT: '1d',
      RSQLFLOW_LAMBDA_TIMEOUT: '20s',
      RSQLFLOW_QUEUEING: '2h',
      RSQLFLOW_DEFAULT_TARGET: '{"tags":{"Role":"etl"}}',
      RSQLFLOW_RSQL_INVOKE_FUNCTION: 'team-rsql-invoke',
      RSQLFLOW_MASTER_MACHINE: 'team-master',
    });
  });

  test('has the variables of function_environment', () => {
    const more = config({ function_environment: { HTTPS_PROXY: 'http://proxy:3128' } });
    expect(environment(more, names, names.arns(new Stack(new App(), 'S')))).toMatchObject({
      HTTPS_PROXY: 'http://proxy:3128',
    });
  });

  test('has no secrets', () => {
    expect(Object.entries(variables).filter(([name]) => /PASSWORD|TOKEN|KEY/.test(name))).toEqual([]);
  });
});

test('default names follow the contract', () => {
  const plain = new Names(config());
  expect(Object.values(plain.tables)).toEqual([
    'rsqlflow-config-table',
    'rsqlflow-workflow-audit-table',
    'rsqlflow-job-audit-table',
  ]);
  expect([plain.function('rsql-invoke'), plain.machine('master'), plain.runJob]).toEqual([
    'rsqlflow-rsql-invoke',
    'rsqlflow-master',
    'rsqlflow-run-job',
  ]);
  expect(FUNCTIONS).toContain('rsql-invoke');
  expect(MACHINES).toContain('master');
});

test('the agent reads every setting that the deployment writes', () => {
  const fields = [...agentConfig(all, names).matchAll(/^(\w+) = /gm)].map((match) => match[1]!);
  expect(fields.length).toBeGreaterThan(10);
  expect(fields.filter((field) => !CONTRACT.agent.settings.includes(field))).toEqual([]);
});

test('documented defaults of the agent are those of the contract', () => {
  expect(SETTINGS.local_log_retention.defaultText).toBe('`"30d"`');
  expect(SETTINGS.cancel_poll.defaultText).toBe('`"5s"`');
});

test('the closer passes the detail of the event, which update-audit reads', () => {
  const { States } = JSON.parse(repository('cdk-config/machines/closer.asl.json')) as {
    States: { Close: { Parameters: { Payload: object } } };
  };
  expect(States.Close.Parameters.Payload).toEqual({ 'detail.$': '$.detail' });
});
