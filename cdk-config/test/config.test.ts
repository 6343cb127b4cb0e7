import { describe, expect, test } from 'vitest';

import { ConfigError, readConfig, showProblem } from '../lib/config/index.js';
import { parseDuration, showDuration } from '../lib/config/duration.js';
import { CONTRACT } from '../lib/contract.js';
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

test('an empty configuration has defaults', () => {
  const { config, hints } = read({});
  expect(config).toMatchObject({
    prefix: 'rsqlflow',
    default_heartbeat: 180,
    log_group: '/ops/rsql-logs/',
    default_target: { tags: { Role: 'etl' } },
  });
  expect(hints).toEqual([]);
});

test('the cdk.json of the repository has the defaults', () => {
  const { context } = JSON.parse(repository('cdk-config/cdk.json')) as { context: Record<string, unknown> };
  expect(read(context).config).toEqual(read({}).config);
});

test('every problem is reported at once, with its place and a hint', () => {
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
        RSQLFLOW_STOP_GRACE: '1h',
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
      "prefix: "1st" is not a prefix
      hint: write a letter, then up to 31 letters, digits and -",
      "log_retention: "100d" is not a retention period of CloudWatch Logs
      hint: the next longer one is "120d"",
      "default_target: has both instance_ids and tags
      hint: write {"instance_ids": ["i-…"]} or {"tags": {"Role": "etl"}}",
      "more_secrets[1]: "not ok" is not a name, ARN or pattern of secrets
      hint: write a name such as etl/redshift, or a pattern such as etl/*",
      "default_heartbeat: "30s" is not between 56s and 1d
      hint: a heartbeat must cover the launch, the delivery by SSM and the start of the agent, which takes 56s",
      "script_dir: "scripts" is not an absolute path
      hint: write a path that starts with /",
      "max_jobs: 0 is not between 1 and 1000",
      "schedules[0].expression: "cron(30 2 * * *)" has 5 fields; EventBridge Scheduler needs 6: minutes hours day-of-month month day-of-week year",
      "schedules[1].expression: "cron(30 2 1 * MON *)" has both a day of the month and a day of the week
      hint: write ? for one of them",
      "schedules[3]: has the name of another schedule: "twice"",
      "schedules[4].name: "a_b" is not a name of 1 to 20 letters, digits and -",
      "schedules[4]: workflow_id is missing
      hint: name the workflow to start",
      "schedules[4].expression: "every day" is not a schedule expression
      hint: write cron(30 2 * * ? *), rate(1 hour) or at(2030-01-31T02:30:00)",
      "schedules[4].time_zone: "Berlin" is not an IANA time zone
      hint: write a zone such as Europe/Berlin",
      "schedules[4].late_after: is not a whole number of hours
      hint: write whole hours, such as "26h"",
      "email: "etl" is not an email address",
      "architecture: "arm" is not one of x86_64, arm64
      hint: did you mean "arm64"?",
      "function_environment.RSQLFLOW_PREFIX: is reserved
      hint: use the setting of the deployment instead",
      "function_environment.AWS_REGION: is not a name that can be set here",
      "function_environment.RSQLFLOW_QUEUEING: is reserved
      hint: use the setting of the deployment instead",
      "function_environment.RSQLFLOW_STOP_GRACE: is reserved
      hint: use the setting of the deployment instead",
      "function_environment.a-b: is not a name that can be set here",
      "perfix: is not a setting
      hint: did you mean "prefix"?",
      "region: is not a setting
      hint: set AWS_REGION or --profile when you deploy",
    ]
  `);
});

test('wrong types of values are reported', () => {
  expect(problems({ prefix: 7, schedules: {}, alarms: 'yes', tags: [], default_timeout: 1.5, vpc_endpoints: {} }))
    .toMatchInlineSnapshot(`
      [
        "prefix: must be a string, but is 7",
        "default_timeout: 1.5 is not a duration
        hint: write a whole number of seconds, or a text such as "90s", "3 min", "1h30m", "24h", "1d"",
        "schedules: must be a list, but is an object",
        "alarms: must be true or false, but is "yes"",
        "vpc_endpoints: vpc_id is missing
        hint: name the VPC of the instances",
        "vpc_endpoints: subnet_ids is missing
        hint: name one subnet of each Availability Zone",
        "vpc_endpoints: cidr is missing
        hint: write the address range of the VPC",
        "vpc_endpoints: route_table_ids is missing
        hint: name the route tables of the subnets",
        "tags: must be an object, but is a list",
      ]
    `);
  expect(problems([])).toEqual(['rsqlflow: must be an object, but is a list']);
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
  ['cancel_poll', '8h1s', '"8h1s" is not between 0s and 8h\n  hint: write 0 to check at renewals only'],
  ['cancel_poll', -1, '-1 is not between 0s and 8h\n  hint: write 0 to check at renewals only'],
  [
    'cancel_poll',
    'never',
    expect.stringMatching(/^"never" is not a duration\n {2}hint: write a whole number of seconds/),
  ],
  ['local_log_retention', 0, '0 is not between 1h and 3653d\n  hint: write "forever" to keep everything'],
  ['local_log_retention', '11y', expect.stringMatching(/^"11y" is not a duration\n {2}hint: /)],
  ['log_retention', '4000d', '"4000d" is not between 1d and 3653d\n  hint: write "forever" to keep everything'],
])("the agent's time %s may not be %j", (name, given, message: unknown) => {
  expect(problems({ [name]: given }).map((problem) => problem.replace(`${name}: `, ''))).toEqual([message]);
});

describe("AWS's sample", () => {
  const sample = {
    ec2_instance_id: 'i-0123456789abcdef0',
    redshift_secret_id: 'etl/redshift',
    rsql_script_path: '/home/ec2-user/blog_test/rsql_scripts/',
    rsql_log_path: '/home/ec2-user/blog_test/logs/',
    rsql_script_wrapper: '/home/ec2-user/blog_test/instance_code/rsql_trigger.sh',
  };

  test.each([{ environment: sample }, { rsqlflow: sample }])('has five settings that are translated: %#', (context) => {
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

  test('has placeholders and duplicates that are problems', () => {
    expect(problems({ default_secret: 'mine' }, { environment: { ...sample, ec2_instance_id: 'i-xxxx' } }))
      .toMatchInlineSnapshot(`
        [
          "redshift_secret_id: sets the same as default_secret
          hint: remove redshift_secret_id",
          "ec2_instance_id.instance_ids[0]: "i-xxxx" is a placeholder of AWS's sample
          hint: write the id of your instance",
        ]
      `);
  });
});

test('the command line passes a configuration as JSON text', () => {
  expect(read({ rsqlflow: '{"prefix": "team"}' }).config.prefix).toBe('team');
  expect(problems('{"prefix": ')[0]).toMatch(/^rsqlflow: is not JSON/);
});

test('a second deployment gets a hint about the shared log group', () => {
  expect(read({ rsqlflow: { prefix: 'team' } }).hints).toEqual([
    'log_group is /ops/rsql-logs/. If another deployment in this account uses it, set a log_group of its own, such as ' +
      '"/ops/rsql-logs/team/", and set RSQLFLOW_LOG_GROUP for the command line',
  ]);
  expect(read({ rsqlflow: { prefix: 'team', log_group: '/ops/team/' } }).hints).toEqual([]);
});

test('durations have the format of workflow items', () => {
  expect(['90', '90s', '3 min', '1h30m', '1h 30m', '24h', '1d'].map(parseDuration)).toEqual([
    90, 90, 180, 5400, 5400, 86400, 86400,
  ]);
  expect(['', '1.5h', '30s5m', '1h1h', '1w', '-1s', '1h30'].map(parseDuration)).toEqual(Array(7).fill(undefined));
  for (const seconds of [0, 1, 59, 60, 5400, 86400, 90061]) expect(parseDuration(showDuration(seconds))).toBe(seconds);
});

test('the bounds of heartbeats are those of the contract', () => {
  const { shortest_heartbeat: shortest, longest_heartbeat: longest } = CONTRACT.timing;
  for (const [seconds, count] of [
    [shortest - 1, 1],
    [shortest, 0],
    [longest, 0],
    [longest + 1, 1],
  ] as const)
    expect(problems({ default_heartbeat: seconds })).toHaveLength(count);
});

test('no variable of the deployment can be set by hand: functions would refuse or ignore it', () => {
  for (const name of CONTRACT.environment)
    expect(problems({ function_environment: { [name]: '1s' } })).toEqual([
      `function_environment.${name}: is reserved\n  hint: use the setting of the deployment instead`,
    ]);
});
