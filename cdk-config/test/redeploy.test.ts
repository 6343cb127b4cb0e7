/** A deployment that is deployed again, under another prefix, or destroyed. */
import { spawnSync } from 'node:child_process';

import { describe, expect, test } from 'vitest';

import { HOME } from '../lib/package.js';
import { EVERYTHING, VARIANTS, app, template } from './support.js';

const templates = (given: object) =>
  Object.fromEntries(
    app(given)
      .synth()
      .stacks.map(({ stackName, template: made }) => [stackName, made as unknown]),
  );

test('the same configuration makes the same templates', () => {
  expect(templates({ ...EVERYTHING })).toEqual(templates({ ...EVERYTHING }));
});

/** Every name that must be unique in an account and region. */
function names(given: object): Set<string> {
  const found = new Set<string>(Object.keys(templates(given)));
  const isName =
    /^(?:Name|(?:Table|Function|StateMachine|Topic|Queue|Document|Alarm|Dashboard|Association|LogGroup|Policy)Name)$/;
  for (const { Resources } of Object.values(templates(given)) as {
    Resources: Record<string, { Type: string; Properties?: object }>;
  }[])
    for (const { Type, Properties = {} } of Object.values(Resources))
      for (const [key, value] of Object.entries(Properties))
        if (isName.test(key) && typeof value === 'string' && Type !== 'AWS::Logs::MetricFilter')
          found.add(`${Type} ${value}`);
  return found;
}

test('a deployment with another prefix shares only the log group that both name', () => {
  const [one, other] = [names({ ...EVERYTHING, prefix: 'one' }), names({ ...EVERYTHING, prefix: 'other' })];
  expect(one.size).toBeGreaterThan(40);
  // Schedules have a group of their own.
  const shared = [...one].filter((name) => other.has(name) && !name.startsWith('AWS::Scheduler::Schedule '));
  expect(shared).toEqual(['AWS::Logs::LogGroup /ops/rsql-logs/']);
});

describe('destroying', () => {
  test('an output of the stack says what is retained', () => {
    const output = (given?: object) =>
      (template('data', given).toJSON()['Outputs'] as { OnDestroy: { Value: string } }).OnDestroy.Value;
    expect(output()).toBe('The tables and this log group are retained');
    expect(output(VARIANTS['existing'])).toBe('The tables and this log group are deleted');
  });
});

test('a wrong configuration creates nothing, and reports every problem without a stack trace', () => {
  const run = spawnSync('node_modules/.bin/tsx', ['bin/app.ts'], {
    cwd: HOME,
    encoding: 'utf8',
    env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ rsqlflow: { perfix: 'team', email: 'etl' } }) },
  });
  expect([run.status, run.stderr, run.stdout]).toEqual([
    2,
    'error: the configuration has 2 problems:\n' +
      '  email: "etl" is not an email address\n' +
      '  perfix: is not a setting\n    hint: did you mean "prefix"?\n',
    '',
  ]);
});
