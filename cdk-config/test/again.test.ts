/** What becomes of a deployment that is deployed again, under another prefix, or removed. */
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

test('twice is the same', () => {
  expect(templates({ ...EVERYTHING })).toEqual(templates({ ...EVERYTHING }));
});

/** Every name that two deployments of an account would quarrel over. */
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

test('another prefix shares nothing with the first, except the log group that both name', () => {
  const [one, other] = [names({ ...EVERYTHING, prefix: 'one' }), names({ ...EVERYTHING, prefix: 'other' })];
  expect(one.size).toBeGreaterThan(40);
  // Schedules have a group of their own.
  const shared = [...one].filter((name) => other.has(name) && !name.startsWith('AWS::Scheduler::Schedule '));
  expect(shared).toEqual(['AWS::Logs::LogGroup /ops/rsql-logs/']);
});

describe('removing', () => {
  test('says before, and in the stack itself, what stays', () => {
    const said = (given?: object) =>
      (template('data', given).toJSON()['Outputs'] as { OnDestroy: { Value: string } }).OnDestroy.Value;
    expect(said()).toBe('The tables and this log group stay');
    expect(said(VARIANTS['existing'])).toBe('The tables and this log group go');
  });
});

test('a wrong configuration makes nothing, and says all that is wrong, and no stack of calls', () => {
  const run = spawnSync('node_modules/.bin/tsx', ['bin/app.ts'], {
    cwd: HOME,
    encoding: 'utf8',
    env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ rsqlflow: { perfix: 'team', email: 'etl' } }) },
  });
  expect([run.status, run.stderr, run.stdout]).toEqual([
    2,
    'error: the configuration has 2 problems:\n' +
      '  email: "etl" is not an e-mail address\n' +
      '  perfix: is not a setting here — did you mean "prefix"?\n',
    '',
  ]);
});
