import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { describe, expect, test } from 'vitest';

import { ConfigError, showProblem } from '../lib/config/index.js';
import { BUILT_IN } from '../lib/config/start.js';
import { HOME } from '../lib/package.js';
import { EVERYTHING, config, flat, repository, resources, template } from './support.js';

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
  test('is the example that runs on the embedded endpoint', () => {
    const [rule] = rules({ event_starts: [example('event-start.json')] });
    const { EventPattern } = example('rule.json') as { EventPattern: string };
    // There S3 is played by a source of one's own.
    expect({ ...(JSON.parse(EventPattern) as object), source: ['aws.s3'] }).toEqual(rule?.['EventPattern']);
    const [target] = rule?.['Targets'] as Target[];
    const { Targets } = example('targets.json') as { Targets: Target[] };
    expect(target?.InputTransformer).toEqual(Targets[0]?.InputTransformer);
  });

  test('is a rule that gives the trigger the whole event, tries for a day, and keeps what it could not give', () => {
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
      // Nothing of an event is put into a text, which it could break out of.
      const { InputTemplate = '', InputPathsMap } = target?.InputTransformer ?? {};
      expect(InputPathsMap).toBeUndefined();
      expect(InputTemplate.match(/<[^>]*>/g)).toEqual(['<aws.events.event.json>']);
      expect(Object.keys(JSON.parse(InputTemplate.replace(/<[^>]*>/, '{}')) as object)).toEqual(['start', 'event']);
    }
  });

  test('may call the trigger, and no other rule may', () => {
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

  test('of S3 is told by the write of the object, any other by what it says, or by its id', () => {
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

  test('of S3 may want a start, an end, or both of a key', () => {
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

test('everything that is wrong is told, with its place and a mend', () => {
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
      "event_starts[0].workflow_id: "<w>" is no workflow_id that can be started so — it has 1 to 255 bytes, and no < or >",
      "event_starts[0]: has neither s3 nor pattern — write "s3": {"bucket": "…"}, or a "pattern" of EventBridge",
      "event_starts[1].s3.bucket: "arn:aws:s3:::b" is not the name of a bucket — write its name, not its ARN",
      "event_starts[1].s3.prefix: "" is no part of a key — write 1 to 1024 bytes, or leave it out",
      "event_starts[1]: has both s3 and pattern — write "s3": {"bucket": "…"}, or a "pattern" of EventBridge",
      "event_starts[2]: names a bus — S3 sends its events to the default one",
      "event_starts[3].parameters.1st: is not a name of a parameter — use at most 64 letters, digits and _, not starting with a digit",
      "event_starts[3].parameters.ds: is built in — choose another name",
      "event_starts[3].parameters.a: "$.x[*]" is not a path into an event — write one such as $.detail.object.key",
      "event_starts[3].parameters.b: "a<b" has a control character, < or > in it",
      "event_starts[3].parameters.c: is 7 where a text is wanted",
      "event_starts[3].once_per: is empty — leave it out for the event's id",
      "event_starts[4].pattern: names no source — write "source": ["…"], or every event of the account may match",
      "event_starts[5].pattern.sauce: is not a field of an event — there are source, detail-type, detail, account, region, resources, id, time, version, $or; a field of yours is below detail",
      "event_starts[5].pattern.source: "s" is not in a list — write ["s"]: a pattern lists what a field may be",
      "event_starts[5].pattern.detail.a: is empty — such a pattern matches nothing",
      "event_starts[5].pattern.detail.b[0]: is null, which CloudFormation takes out — write {"exists": false}",
      "event_starts[5].pattern.detail.b[1]: is a list in a list",
      "event_starts[5].pattern.detail.b[2]: is not a comparison — write one of {"prefix": …}, {"suffix": …}, {"anything-but": …}, {"equals-ignore-case": …}, {"wildcard": …}, {"numeric": …}, {"exists": …}, {"cidr": …}",
      "event_starts[5].pattern.detail.c: is empty",
      "event_starts[5].pattern.detail.$or: wants at least two alternatives",
      "event_starts[6]: comes to 9097 characters; EventBridge takes 8192 — shorten its parameters",
      "event_starts[7].pattern: has 3015 characters; EventBridge takes 2048",
      "event_starts[9].late_after: is not a whole number of hours — CloudWatch looks back over whole hours: write one such as "26h"",
      "event_starts[9]: has the name of another start: "same"",
      "event_starts[10]: has no name — write a short one, such as "arrivals"",
      "event_starts[10].once_per[0]: "detail" is not a path into an event — write one such as $.detail.object.key",
      "event_starts[10].nmae: is not a setting here — there are name, workflow_id, pattern, s3, event_bus, parameters, once_per, enabled, late_after",
    ]
  `);
  expect(problems({ name: 'nightly', ...sound })).toEqual(['event_starts[0]: has the name of a schedule: "nightly"']);
});

test('paths are those that the function reads', () => {
  const rust = repository('core/src/event_start/tests.rs');
  const bad = /for bad in\s+\[([^;]*?)\]\s*\{/.exec(rust)?.[1] ?? '';
  const refused = [...bad.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map((match) => match[1] ?? '');
  expect(refused.length).toBeGreaterThan(12);
  const takes = (path: string) =>
    problems({ name: 'a', workflow_id: 'w', pattern: { source: ['s'] }, once_per: [path] }).length === 0;
  expect(refused.filter(takes)).toEqual([]);
  const parsed = [...rust.matchAll(/Path::parse\("([^"]+)"\)\s*\.unwrap\(\)/g)].map((match) => match[1] ?? '');
  expect(parsed.length).toBeGreaterThan(2);
  expect(parsed.filter((path) => !takes(path))).toEqual([]);
});

test('names that are built in are those of the workflow', () => {
  const names = /BUILT_IN: \[&str; \d+\] = \[([^\]]*)\]/.exec(repository('core/src/template.rs'))?.[1];
  expect(BUILT_IN).toEqual([...(names ?? '').matchAll(/"(\w+)"/g)].map((match) => match[1]));
});
