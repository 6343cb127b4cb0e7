import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { describe, expect, test } from 'vitest';

import { ConfigError, showProblem } from '../lib/config/index.js';
import { CONTRACT } from '../lib/contract.js';
import { HOME } from '../lib/package.js';
import { EVERYTHING, config, flat, resources, template } from './support.js';

const example = (name: string): unknown =>
  JSON.parse(readFileSync(resolve(HOME, '../examples/arrivals', name), 'utf8')) as unknown;

interface Target {
  readonly Arn: unknown;
  readonly DeadLetterConfig?: { readonly Arn: unknown };
  readonly InputTransformer: { readonly InputTemplate: string; readonly InputPathsMap?: unknown };
}

const rules = (given: object) =>
  resources(template('schedules', given), 'AWS::Events::Rule').map(({ Properties }) => Properties);

function problems(...event_starts: object[]): string[] {
  try {
    config({ event_starts, schedules: [{ name: 'nightly', workflow_id: 'w', expression: 'rate(1 day)' }] });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(showProblem);
    throw error;
  }
  return [];
}

describe('a start by events', () => {
  test('is the same as in the example for the embedded endpoint', () => {
    const [rule] = rules({ event_starts: [example('event-start.json')] });
    expect(rule?.['EventPattern']).toEqual({
      source: ['aws.s3'],
      'detail-type': ['Object Created'],
      detail: { bucket: { name: ['landing'] }, object: { key: [{ wildcard: 'in/*.csv' }] } },
    });
    const [target] = rule?.['Targets'] as Target[];
    const { event, ...sent } = example('invocation.json') as { event: unknown };
    const template = target?.InputTransformer.InputTemplate.replace('<aws.events.event.json>', JSON.stringify(event));
    expect(JSON.parse(template ?? '')).toEqual({ ...sent, event });
  });

  test('is a rule that passes the whole event to the trigger, with retries and a dead-letter queue', () => {
    expect(rules(EVERYTHING)).toMatchObject([
      { Name: 'team-start-arrivals', State: 'ENABLED' },
      {
        Name: 'team-start-orders',
        EventBusName: 'shop',
        State: 'DISABLED',
        EventPattern: { source: ['shop'], detail: { total: [{ numeric: ['>', 10] }] } },
      },
    ]);
    for (const rule of rules(EVERYTHING)) {
      const [target] = rule['Targets'] as Target[];
      expect(target).toMatchObject({ RetryPolicy: { MaximumEventAgeInSeconds: 86_400 } });
      expect(flat(target?.Arn)).toMatch(/function:team-workflow-trigger$/);
      expect(flat(target?.DeadLetterConfig?.Arn)).toMatch(/:team-dead-letters$/);
      // No field of an event is inserted into a text: it could change the JSON around it.
      const { InputTemplate = '', InputPathsMap } = target?.InputTransformer ?? {};
      expect(InputPathsMap).toBeUndefined();
      expect(InputTemplate.match(/<[^>]*>/g)).toEqual(['<aws.events.event.json>']);
      expect(Object.keys(JSON.parse(InputTemplate.replace(/<[^>]*>/, '{}')) as object)).toEqual(['start', 'event']);
    }
  });

  test('may invoke the trigger, and no other rule may', () => {
    const permissions = resources(template('schedules', EVERYTHING), 'AWS::Lambda::Permission').map(
      ({ Properties }) => [flat(Properties['FunctionName']), Properties['Principal'], flat(Properties['SourceArn'])],
    );
    const trigger: unknown = expect.stringMatching(/:team-workflow-trigger$/);
    const place = 'arn:<AWS::Partition>:events:<AWS::Region>:<AWS::AccountId>:rule';
    expect(permissions).toEqual([
      [trigger, 'events.amazonaws.com', `${place}/team-start-arrivals`],
      [trigger, 'events.amazonaws.com', `${place}/shop/team-start-orders`],
    ]);
  });

  test('identifies events by the write of the object for S3, by once_per, or by the id', () => {
    const once = (given: object) =>
      config({ event_starts: [{ name: 'a', workflow_id: 'w', ...given }] }).event_starts[0]?.once_per;
    expect(once({ s3: { bucket: 'landing' } })).toEqual([
      '$.detail.bucket.name',
      '$.detail.object.key',
      '$.detail.object.sequencer',
    ]);
    expect(once({ pattern: { source: ['s'] } })).toEqual([]);
    expect(once({ pattern: { source: ['s'] }, once_per: ['$.detail.n'] })).toEqual(['$.detail.n']);
  });

  test('of S3 may match the prefix, the suffix, or both of a key', () => {
    const key = (s3: object) => {
      const [read] = config({
        event_starts: [{ name: 'a', workflow_id: 'w', s3: { bucket: 'abc', ...s3 } }],
      }).event_starts;
      return (read?.pattern as { detail: { object?: { key: unknown } } }).detail.object?.key;
    };
    expect(key({})).toBeUndefined();
    expect(key({ prefix: 'in/' })).toEqual([{ prefix: 'in/' }]);
    expect(key({ suffix: '.csv' })).toEqual([{ suffix: '.csv' }]);
    expect(key({ prefix: 'a*\\', suffix: 'z' })).toEqual([{ wildcard: 'a\\*\\\\*z' }]);
  });
});

test('every problem is reported at once, with its place and a hint', () => {
  const sound = { workflow_id: 'w', pattern: { source: ['s'] } };
  const detail = { a: [], b: [null, ['x'], { than: 1 }], c: {}, $or: [{ a: [1] }] };
  expect(
    problems(
      { name: 'a_b', workflow_id: '<w>' },
      { name: 'two', ...sound, s3: { bucket: 'arn:aws:s3:::b', prefix: '' } },
      { name: 'bus', workflow_id: 'w', s3: { bucket: 'landing' }, event_bus: 'mine' },
      { name: 'p', ...sound, parameters: { '1st': 'x', ds: 'x', a: '$.x[*]', b: 'a<b', c: 7 }, once_per: [] },
      { name: 'wide', workflow_id: 'w', pattern: { 'detail-type': ['x'] } },
      { name: 'bad', workflow_id: 'w', pattern: { sauce: ['s'], source: 's', detail } },
      { name: 'long', ...sound, parameters: { a: 'x'.repeat(9000) } },
      { name: 'longer', workflow_id: 'w', pattern: { source: ['s'.repeat(3000)] } },
      { name: 'same', ...sound },
      { name: 'same', ...sound, late_after: '90m' },
      { nmae: 'x', ...sound, once_per: ['detail'] },
    ),
  ).toMatchInlineSnapshot(`
    [
      "event_starts[0].name: "a_b" is not a name of 1 to 20 letters, digits and -",
      "event_starts[0].workflow_id: "<w>" must not contain < or >
      hint: rename the workflow",
      "event_starts[0]: has neither s3 nor pattern
      hint: write either "s3": {"bucket": "…"} or a "pattern"",
      "event_starts[1].s3.bucket: "arn:aws:s3:::b" is not a bucket name
      hint: write the name, not the ARN",
      "event_starts[1].s3.prefix: "" must have 1 to 1024 bytes
      hint: remove it to match every key",
      "event_starts[1]: has both s3 and pattern
      hint: write either "s3": {"bucket": "…"} or a "pattern"",
      "event_starts[2]: has both s3 and event_bus
      hint: remove event_bus: S3 sends its events to the default bus",
      "event_starts[3].parameters.1st: is not the name of a parameter
      hint: use at most 64 letters, digits and _, not starting with a digit",
      "event_starts[3].parameters.ds: is built in
      hint: choose another name",
      "event_starts[3].parameters.a: "$.x[*]" is not a path into an event
      hint: write a path such as $.detail.object.key",
      "event_starts[3].parameters.b: "a<b" must not contain control characters, < or >",
      "event_starts[3].parameters.c: must be a string, but is 7",
      "event_starts[3].once_per: is empty
      hint: remove it to use the id of the event",
      "event_starts[4].pattern: has no source
      hint: write "source": ["…"]; otherwise any event of the account can match",
      "event_starts[5].pattern.sauce: is not a field of an event
      hint: the fields are source, detail-type, detail, account, region, resources, id, time, version, $or; your own fields are in detail",
      "event_starts[5].pattern.source: "s" is not in a list
      hint: write ["s"]: a pattern lists the values of a field",
      "event_starts[5].pattern.detail.a: is empty
      hint: write a value: an empty list matches nothing",
      "event_starts[5].pattern.detail.b[0]: is null, which CloudFormation removes
      hint: write {"exists": false}",
      "event_starts[5].pattern.detail.b[1]: is a list within a list",
      "event_starts[5].pattern.detail.b[2]: is not a comparison
      hint: write one of {"prefix": …}, {"suffix": …}, {"anything-but": …}, {"equals-ignore-case": …}, {"wildcard": …}, {"numeric": …}, {"exists": …}, {"cidr": …}",
      "event_starts[5].pattern.detail.c: is empty",
      "event_starts[5].pattern.detail.$or: needs at least two alternatives",
      "event_starts[6]: needs an input template of 9097 characters; EventBridge accepts 8192
      hint: shorten its parameters",
      "event_starts[7].pattern: has 3015 characters; EventBridge accepts 2048",
      "event_starts[9].late_after: is not a whole number of hours
      hint: write whole hours, such as "26h"",
      "event_starts[9]: has the name of another start: "same"",
      "event_starts[10]: name is missing
      hint: write a short name, such as "arrivals"",
      "event_starts[10].once_per[0]: "detail" is not a path into an event
      hint: write a path such as $.detail.object.key",
      "event_starts[10].nmae: is not a setting
      hint: the settings are name, workflow_id, pattern, s3, event_bus, parameters, once_per, enabled, late_after",
    ]
  `);
  expect(problems({ name: 'nightly', ...sound })).toEqual(['event_starts[0]: has the name of a schedule: "nightly"']);
});

test('built-in parameters cannot be overridden', () => {
  for (const name of CONTRACT.built_in_parameters)
    expect(
      problems({ name: 'a', workflow_id: 'w', pattern: { source: ['s'] }, parameters: { [name]: 'x' } }),
    ).toHaveLength(1);
});
