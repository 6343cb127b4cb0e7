import { expect, test } from 'vitest';

import { EVERYTHING, flat, resources, template } from './support.js';

const SCHEDULES = resources(template('schedules', EVERYTHING), 'AWS::Scheduler::Schedule').map(
  ({ Properties }) => Properties,
);

test('a schedule starts its workflow in its time zone', () => {
  expect(SCHEDULES).toMatchObject([
    {
      Name: 'nightly',
      ScheduleExpression: 'cron(30 2 * * ? *)',
      ScheduleExpressionTimezone: 'Europe/Berlin',
      State: 'ENABLED',
      FlexibleTimeWindow: { Mode: 'OFF' },
    },
    { Name: 'hourly', ScheduleExpression: 'rate(1 hour)', ScheduleExpressionTimezone: 'UTC', State: 'DISABLED' },
  ]);
});

test('a call that is repeated starts nothing twice: its id is in the request', () => {
  const inputs = SCHEDULES.map(
    (one) => JSON.parse(String((one['Target'] as Record<string, unknown>)['Input'])) as Record<string, unknown>,
  );
  expect(inputs).toEqual([
    {
      workflow_id: 'nightly_sales',
      workflow_execution_id: 'nightly_<aws.scheduler.execution-id>',
      parameters: { region: 'emea' },
    },
    { workflow_id: 'häufig', workflow_execution_id: 'hourly_<aws.scheduler.execution-id>' },
  ]);
  // The longest id that Scheduler is known to make has the 36 characters of a UUID; a run's id has at most 60.
  expect('_'.length + 20 + 36).toBeLessThanOrEqual(60);
});

test('what cannot be started is kept', () => {
  for (const { Target } of SCHEDULES) {
    const target = Target as { DeadLetterConfig: { Arn: unknown }; Arn: unknown };
    expect(flat(target.DeadLetterConfig.Arn)).toMatch(/:team-dead-letters$/);
    expect(flat(target.Arn)).toMatch(/:function:team-workflow-trigger$/);
  }
});
