import { describe, expect, test } from 'vitest';

import { ConfigError, readConfig, showProblem, smallestHeartbeat, TIMING } from '../lib/config/index.js';
import { parseDuration, showDuration } from '../lib/config/duration.js';
import { MAX_TIMEOUT } from '../lib/config/timing.js';
import { repository } from './support.js';

function read(context: Record<string, unknown>) {
  return readConfig((key) => context[key]);
}

function problems(rsqlflow: unknown, more: Record<string, unknown> = {}): string[] {
  try {
    read({ rsqlflow, ...more });
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(showProblem);
    throw error;
  }
  return [];
}

test('nothing is a configuration', () => {
  const { config, hints } = read({});
  expect(config).toMatchObject({
    prefix: 'rsqlflow',
    default_heartbeat: 180,
    log_group: '/ops/rsql-logs/',
    default_target: { tags: { Role: 'etl' } },
  });
  expect(hints).toEqual([]);
});

test('the cdk.json of the repository is one', () => {
  const { context } = JSON.parse(repository('cdk-config/cdk.json')) as { context: Record<string, unknown> };
  expect(read(context).config).toEqual(read({}).config);
});

test('every problem is told at once, with its place and a mend', () => {
  expect(
    problems({
      prefix: '1st',
      perfix: 'team',
      default_target: { tags: { Role: 'etl' }, instance_ids: ['i-1'] },
      default_heartbeat: '30s',
      log_retention: '100d',
      architecture: 'arm',
      email: 'etl',
      more_secrets: ['ok', 'not ok'],
      script_dir: 'scripts',
      max_jobs: 0,
      function_environment: {
        RSQLFLOW_PREFIX: 'x',
        AWS_REGION: 'x',
        RSQLFLOW_QUEUEING: '1h',
        AWS_ENDPOINT_URL_SSM: 'http://ssm',
        'a-b': '',
      },
      region: 'eu-west-1',
      schedules: [
        { name: 'nightly', workflow_id: 'w', expression: 'cron(30 2 * * *)' },
        { name: 'nightly', workflow_id: 'w', expression: 'cron(30 2 1 * MON *)' },
        { name: 'twice', workflow_id: 'w', expression: 'rate(1 hour)' },
        { name: 'twice', workflow_id: 'w', expression: 'rate(1 hour)' },
        { name: 'a_b', expression: 'every day', time_zone: 'Berlin', late_after: '90m' },
      ],
    }),
  ).toMatchInlineSnapshot(`
    [
      "prefix: "1st" is not a prefix — write a letter, then up to 31 letters, digits and -",
      "log_retention: "100d" is not a time that CloudWatch Logs can keep — the next longer one is "120d"",
      "default_target: has both instance_ids and tags — write {"instance_ids": ["i-…"]} or {"tags": {"Role": "etl"}}",
      "more_secrets[1]: "not ok" is not a name, ARN or pattern of secrets — write a name such as etl/redshift, or a pattern such as etl/*",
      "default_heartbeat: 30s is too short: it must cover the launch, the delivery by SSM and the agent's start — the shortest heartbeat for this deployment is 56s",
      "script_dir: "scripts" is not an absolute path — start it with '/'",
      "max_jobs: 0 is not from 1 to 1000",
      "schedules[0].expression: "cron(30 2 * * *)" has 5 fields; EventBridge wants 6: minutes hours day-of-month month day-of-week year",
      "schedules[1].expression: "cron(30 2 1 * MON *)" names a day of the month and a day of the week — write ? for one of the two",
      "schedules[3]: has the name of another schedule: "twice"",
      "schedules[4].name: "a_b" is not a name of 1 to 20 letters, digits and -",
      "schedules[4]: has no workflow_id — name the workflow to start",
      "schedules[4].expression: "every day" is not a schedule — write cron(30 2 * * ? *), rate(1 hour) or at(2030-01-31T02:30:00)",
      "schedules[4].time_zone: "Berlin" is no IANA time zone — write one such as Europe/Berlin",
      "schedules[4].late_after: is not a whole number of hours — CloudWatch looks back over whole hours: write one such as "26h"",
      "email: "etl" is not an e-mail address",
      "architecture: "arm" is not one of x86_64, arm64 — did you mean "arm64"?",
      "function_environment.RSQLFLOW_PREFIX: is not a name that can be set here",
      "function_environment.AWS_REGION: is not a name that can be set here",
      "function_environment.a-b: is not a name that can be set here",
      "perfix: is not a setting here — did you mean "prefix"?",
      "region: is not a setting here — deploy with AWS_REGION or --profile: the configuration is the same everywhere",
    ]
  `);
});

test('wrong kinds of values are named', () => {
  expect(problems({ prefix: 7, schedules: {}, alarms: 'yes', tags: [], default_timeout: 1.5, vpc_endpoints: {} }))
    .toMatchInlineSnapshot(`
    [
      "prefix: is 7 where a text is wanted",
      "default_timeout: 1.5 is not a duration — write a whole number of seconds, or a text such as "90s", "3 min", "1h30m", "24h", "1d"",
      "schedules: is an object where a list is wanted",
      "alarms: is "yes" where true or false is wanted",
      "vpc_endpoints: has no vpc_id — name the VPC of the instances",
      "vpc_endpoints: has no subnet_ids — name one subnet of each zone",
      "vpc_endpoints: has no cidr — write the VPC's address range",
      "vpc_endpoints: has no route_table_ids — name the subnets' route tables",
      "tags: is a list where an object is wanted",
    ]
  `);
  expect(problems([])).toEqual(['rsqlflow: is a list where an object is wanted']);
});

test.each([
  ['cancel_poll', 0, 0],
  ['cancel_poll', '90s', 90],
  ['cancel_poll', '8h', 28_800],
  ['local_log_retention', '1h', 3_600],
  ['local_log_retention', '7d', 604_800],
  ['local_log_retention', 'forever', 'forever'],
  ['local_log_retention', null, undefined],
])("the agent's time %s may be %j", (name, given, value) => {
  expect(read({ rsqlflow: { [name]: given } }).config).toHaveProperty(name, value);
});

test.each([
  ['cancel_poll', '8h1s', '"8h1s" is not from 0s to 8h — write 0 to leave it to the renewals'],
  ['cancel_poll', -1, '-1 is not from 0s to 8h — write 0 to leave it to the renewals'],
  ['cancel_poll', 'never', expect.stringMatching(/^"never" is not a duration — write a whole number of seconds/)],
  ['local_log_retention', 0, '0 is not from 1h to 3653d — write "forever" to remove nothing'],
  ['local_log_retention', '11y', expect.stringMatching(/^"11y" is not a duration — /)],
  ['log_retention', '4000d', '"4000d" is not from 1d to 3653d — write "forever" to remove nothing'],
])("the agent's time %s may not be %j", (name, given, said: unknown) => {
  expect(problems({ [name]: given }).map((problem) => problem.replace(`${name}: `, ''))).toEqual([said]);
});

describe("AWS's sample", () => {
  const sample = {
    ec2_instance_id: 'i-0123456789abcdef0',
    redshift_secret_id: 'etl/redshift',
    rsql_script_path: '/home/ec2-user/blog_test/rsql_scripts/',
    rsql_log_path: '/home/ec2-user/blog_test/logs/',
    rsql_script_wrapper: '/home/ec2-user/blog_test/instance_code/rsql_trigger.sh',
  };

  test.each([{ environment: sample }, { rsqlflow: sample }])('its five settings are understood: %#', (context) => {
    const { config, hints } = read(context);
    expect(config).toMatchObject({
      default_target: { instance_ids: ['i-0123456789abcdef0'] },
      default_secret: 'etl/redshift',
      script_dir: '/home/ec2-user/blog_test/rsql_scripts',
      log_dir: '/home/ec2-user/blog_test/logs',
      creds_dir: '/home/ec2-user/blog_test/instance_code',
    });
    expect(hints).toHaveLength(5);
    expect(hints.at(-1)).toContain('rsql_script_wrapper is no longer needed');
  });

  test('what is said twice, and its placeholders, are problems', () => {
    expect(problems({ default_secret: 'mine' }, { environment: { ...sample, ec2_instance_id: 'i-xxxx' } }))
      .toMatchInlineSnapshot(`
      [
        "redshift_secret_id: says what default_secret says too — leave one of them out: default_secret is the one to keep",
        "ec2_instance_id.instance_ids[0]: "i-xxxx" is a placeholder of AWS's sample — write your instance's id",
      ]
    `);
  });
});

test('the command line gives a configuration as text', () => {
  expect(read({ rsqlflow: '{"prefix": "team"}' }).config.prefix).toBe('team');
  expect(problems('{"prefix": ')[0]).toMatch(/^rsqlflow: is not JSON/);
});

test('a second deployment is told what it would share with the first', () => {
  expect(read({ rsqlflow: { prefix: 'team' } }).hints).toEqual([
    'log_group is /ops/rsql-logs/; beside another deployment in the account it must be one of its own, such as ' +
      '"/ops/rsql-logs/team/", which RSQLFLOW_LOG_GROUP tells the command line',
  ]);
  expect(read({ rsqlflow: { prefix: 'team', log_group: '/ops/team/' } }).hints).toEqual([]);
});

test('durations are those of workflow items', () => {
  expect(['90', '90s', '3 min', '1h30m', '1h 30m', '24h', '1d'].map(parseDuration)).toEqual([
    90, 90, 180, 5400, 5400, 86400, 86400,
  ]);
  expect(['', '1.5h', '30s5m', '1h1h', '1w', '-1s', '1h30'].map(parseDuration)).toEqual(Array(7).fill(undefined));
  for (const seconds of [0, 1, 59, 60, 5400, 86400, 90061]) expect(parseDuration(showDuration(seconds))).toBe(seconds);
});

test('times and the shortest heartbeat are those of the functions', () => {
  const rust = repository('core/src/timing.rs');
  const defaults = /impl Default for Timing[\s\S]*?\n}/.exec(rust)?.[0] ?? '';
  for (const [name, seconds] of Object.entries(TIMING)) {
    const field = name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    expect(defaults).toContain(`${field}: Duration::from_secs(${seconds}),`);
  }
  expect(repository('core/src/timing/tests.rs')).toContain(`smallest, Some(s(${smallestHeartbeat()}))`);
  expect(MAX_TIMEOUT).toBe(365 * 24 * 3600);
  expect(repository('core/src/config/limits.rs')).toContain(
    'MAX_TIMEOUT: Seconds = Seconds::saturating(365 * 24 * 3600)',
  );
});
