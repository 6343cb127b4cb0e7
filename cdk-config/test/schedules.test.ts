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

test('a delivery that is repeated starts no second run: the run is named by the scheduled time', () => {
  const inputs = SCHEDULES.map(
    (one) => JSON.parse(String((one['Target'] as Record<string, unknown>)['Input'])) as Record<string, unknown>,
  );
  expect(inputs).toEqual([
    {
      start: { name: 'nightly', workflow_id: 'nightly_sales', parameters: { region: 'emea' } },
      scheduled_time: '<aws.scheduler.scheduled-time>',
    },
    { start: { name: 'hourly', workflow_id: 'häufig' }, scheduled_time: '<aws.scheduler.scheduled-time>' },
  ]);
  // The id of the invocation differs at each attempt.
  expect(JSON.stringify(inputs)).not.toContain('execution-id');
});

test('a start that fails goes to the dead-letter queue', () => {
  for (const { Target } of SCHEDULES) {
    const target = Target as { DeadLetterConfig: { Arn: unknown }; Arn: unknown };
    expect(flat(target.DeadLetterConfig.Arn)).toMatch(/:team-dead-letters$/);
    expect(flat(target.Arn)).toMatch(/:function:team-workflow-trigger$/);
  }
});
