import { duration } from './duration.js';
import { type VpcEndpoints, vpcEndpoints } from './endpoints.js';
import { type EventStart, eventStarts } from './event-start.js';
import type { Cursor } from './reader.js';
import * as rules from './rules.js';
import { type Schedule, schedules } from './schedule.js';
import { type Target, target } from './target.js';
import { MAX_HEARTBEAT, MAX_TIMEOUT, tooShort } from './timing.js';

/** A setting: how it is read, what it is without a word, and what the documentation says of it. */
interface Setting<T> {
  readonly read: (cursor: Cursor) => T | undefined;
  readonly fallback: T;
  /** What stands for the default in the documentation, where the value itself would not tell. */
  readonly defaultText?: string;
  readonly meaning: string;
}

function setting<T>(one: Setting<T>): Setting<T> {
  return one;
}

const DAY = 86_400;

/** What CloudWatch Logs can keep (API reference, `PutRetentionPolicy`), in days. */
export const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const FOREVER = 'write "forever" to remove nothing';

function retention(cursor: Cursor): number | 'forever' | undefined {
  if (cursor.value === 'forever') return 'forever';
  const seconds = duration(cursor, DAY, 3653 * DAY, FOREVER);
  if (seconds === undefined) return undefined;
  const days = seconds / DAY;
  if ((RETENTION_DAYS as readonly number[]).includes(days)) return days;
  const next = RETENTION_DAYS.find((kept) => kept > days) ?? 3653;
  return cursor.report(
    `${JSON.stringify(cursor.value)} is not a time that CloudWatch Logs can keep`,
    `the next longer one is "${next}d"`,
  );
}

/** Zero, which to the agent is for ever, could as well be meant as "keep nothing", so it is refused here. */
function localRetention(cursor: Cursor): number | 'forever' | undefined {
  return cursor.value === 'forever' ? 'forever' : duration(cursor, 3_600, 3653 * DAY, FOREVER);
}

function heartbeat(cursor: Cursor): number | undefined {
  const seconds = duration(cursor, 1, MAX_HEARTBEAT);
  const broken = seconds === undefined ? undefined : tooShort(seconds);
  return broken === undefined ? seconds : cursor.report(broken.message, broken.mend);
}

/** As `RSQL_CLIENTS` in `core/src/env.rs`. */
const RSQL_CLIENTS = ['auto', 'bundled', 'system'] as const;

/** EventBridge Scheduler knows whole minutes. */
function sweepEvery(cursor: Cursor): number | undefined {
  const seconds = duration(cursor, 300, DAY);
  return seconds === undefined || seconds % 60 === 0 ? seconds : cursor.report('is not a whole number of minutes');
}

const texts = (rule: Parameters<Cursor['text']>[0]) => (cursor: Cursor) => cursor.list((item) => item.text(rule));

function tags(cursor: Cursor): Readonly<Record<string, string>> | undefined {
  const read: Record<string, string> = {};
  for (const [key, value] of cursor.entries() ?? []) read[key] = value.text() ?? '';
  return read;
}

/** Names that Lambda keeps for itself (developer guide, "Using Lambda environment variables"), and that others set here. */
const TAKEN =
  /^(_|LAMBDA_|AWS_(LAMBDA_|REGION$|DEFAULT_REGION$|ACCESS_KEY|SECRET_ACCESS_KEY|SESSION_TOKEN|EXECUTION_ENV$))|^RSQLFLOW_(?!SSM_DELIVERY$|AGENT_START$|CLOCK_MARGIN$|STOP_GRACE$|RENEWAL_LATENCY$|MACHINE_RETRY_DELAY$|QUEUEING$)/;

function variables(cursor: Cursor): Readonly<Record<string, string>> | undefined {
  const read: Record<string, string> = {};
  for (const [name, value] of cursor.entries() ?? []) {
    if (!/^[A-Za-z]\w*$/.test(name) || TAKEN.test(name)) value.report('is not a name that can be set here');
    read[name] = value.text() ?? '';
  }
  return read;
}

/** Every setting, in the order of the documentation. */
export const SETTINGS = {
  prefix: setting<string>({
    read: (c) => c.text(rules.prefix),
    fallback: 'rsqlflow',
    meaning: 'Start of every name. Another prefix is another deployment beside this one',
  }),
  config_table: setting<string | undefined>({
    read: (c) => c.text(rules.table),
    fallback: undefined,
    defaultText: '`<prefix>-config-table`',
    meaning: 'Table of workflow items',
  }),
  workflow_audit_table: setting<string | undefined>({
    read: (c) => c.text(rules.table),
    fallback: undefined,
    defaultText: '`<prefix>-workflow-audit-table`',
    meaning: 'Table of runs',
  }),
  job_audit_table: setting<string | undefined>({
    read: (c) => c.text(rules.table),
    fallback: undefined,
    defaultText: '`<prefix>-job-audit-table`',
    meaning: 'Table of jobs',
  }),
  audit_retention: setting<number | undefined>({
    read: (c) => duration(c, DAY, 99_999_999),
    fallback: undefined,
    defaultText: 'for ever',
    meaning: 'How long rows of the two audit tables are kept, as `"400d"`',
  }),
  log_group: setting<string>({
    read: (c) => c.text(rules.logGroup),
    fallback: '/ops/rsql-logs/',
    meaning: "Log group of the scripts' output",
  }),
  log_retention: setting<number | 'forever'>({
    read: retention,
    fallback: 365,
    defaultText: '`"365d"`',
    meaning: 'How long every log group keeps its lines: `"90d"`, or `"forever"`',
  }),
  default_target: setting<Target | undefined>({
    read: target,
    fallback: { tags: { Role: 'etl' } },
    meaning: 'Instances for jobs that name none: `{"tags": {…}}` or `{"instance_ids": […]}`. They get the agent',
  }),
  more_targets: setting<readonly Target[]>({
    read: (c) => c.list(target),
    fallback: [],
    meaning:
      'Further instances that workflows may name. They get the agent too; commands to any other instance are refused',
  }),
  instance_role: setting<string | undefined>({
    read: (c) => c.text(rules.roleName),
    fallback: undefined,
    defaultText: 'a role and an instance profile are made',
    meaning: "Name of the instances' own role, which then gets the agent's permissions",
  }),
  default_secret: setting<string | undefined>({
    read: (c) => c.text(rules.secret),
    fallback: undefined,
    defaultText: 'such jobs get no credentials',
    meaning: 'Secret with the database credentials for jobs that name none',
  }),
  more_secrets: setting<readonly string[]>({
    read: texts(rules.secretPattern),
    fallback: [],
    meaning: 'Further secrets that the agent may read: names, ARNs, or patterns with `*`',
  }),
  secret_keys: setting<readonly string[]>({
    read: texts(rules.keyArn),
    fallback: [],
    meaning: 'KMS keys of those secrets, where they are not the default key',
  }),
  default_heartbeat: setting<number>({
    read: heartbeat,
    fallback: 180,
    defaultText: '`"3m"`',
    meaning: 'Longest silence of an agent, for jobs that say nothing',
  }),
  default_timeout: setting<number>({
    read: (c) => duration(c, 1, MAX_TIMEOUT),
    fallback: DAY,
    defaultText: '`"24h"`',
    meaning: 'Longest time of a try, for jobs that say nothing',
  }),
  script_dir: setting<string>({
    read: (c) => c.text(rules.directory),
    fallback: '/opt/rsqlflow/scripts',
    meaning: 'Where the scripts are, on the instances',
  }),
  creds_dir: setting<string | undefined>({
    read: (c) => c.text(rules.directory),
    fallback: undefined,
    defaultText: "the script directory if it is there, else the agent's own",
    meaning: "Where `get_redshift_creds.sh` is: every script's first argument",
  }),
  log_dir: setting<string>({
    read: (c) => c.text(rules.directory),
    fallback: '/var/log/rsqlflow',
    meaning: 'Local logs on the instances',
  }),
  local_log_retention: setting<number | 'forever' | undefined>({
    read: localRetention,
    fallback: undefined,
    defaultText: '`"30d"`',
    meaning:
      'How long local logs are kept after their last line, from 1 h on: `"7d"`, or `"forever"`. `log_retention` of the agent',
  }),
  spool_dir: setting<string>({
    read: (c) => c.text(rules.directory),
    fallback: '/var/lib/rsqlflow',
    meaning: 'Results that are not delivered yet, on the instances',
  }),
  tools_dir: setting<string | undefined>({
    read: (c) => c.text(rules.directory),
    fallback: undefined,
    defaultText: '`tools` below `spool_dir`',
    meaning: 'Where the agent puts what scripts use, on the instances; `run_as` must be able to read it',
  }),
  rsql_client: setting<'auto' | 'bundled' | 'system' | undefined>({
    read: (c) => c.oneOf(RSQL_CLIENTS),
    fallback: undefined,
    defaultText: '`"auto"`',
    meaning:
      "Which `rsql` scripts get: the agent's own (`bundled`), the one on the `PATH` (`system`), or that one and the agent's own where there is none (`auto`)",
  }),
  rsql_binary: setting<string | undefined>({
    read: (c) => c.text(rules.directory),
    fallback: undefined,
    defaultText: 'the one that is installed with the agent',
    meaning: "The agent's own `rsql`, on the instances",
  }),
  run_as: setting<string | undefined>({
    read: (c) => c.text(rules.user),
    fallback: undefined,
    defaultText: "the agent's own user",
    meaning: 'User that scripts run as',
  }),
  max_jobs: setting<number>({
    read: (c) => c.whole(1, 1000),
    fallback: 40,
    meaning: 'How many scripts run at once on an instance; more wait',
  }),
  cancel_poll: setting<number | undefined>({
    // A longer one would never come before a renewal, which tells the agent too.
    read: (c) => duration(c, 0, MAX_HEARTBEAT / 3, 'write 0 to leave it to the renewals'),
    fallback: undefined,
    defaultText: '`"5s"`',
    meaning:
      'How often an agent looks whether its job is to be cancelled, at most `"8h"`; `0`: only its renewals tell it, three in a heartbeat. A look is half a read of the job audit table',
  }),
  schedules: setting<readonly Schedule[]>({
    read: schedules,
    fallback: [],
    meaning: 'When workflows start by themselves; see below',
  }),
  event_starts: setting<readonly EventStart[]>({
    read: eventStarts,
    fallback: [],
    meaning: 'Which events start workflows: objects that arrive in S3, or anything that EventBridge carries; see below',
  }),
  sweep_every: setting<number>({
    read: sweepEvery,
    fallback: 3_600,
    defaultText: '`"1h"`',
    meaning: 'How often runs are looked for whose end nobody told',
  }),
  topic_arn: setting<string | undefined>({
    read: (c) => c.text(rules.topicArn),
    fallback: undefined,
    defaultText: 'a topic `<prefix>-notifications` is made',
    meaning: 'SNS topic for failed runs and for alarms. A topic of your own must let CloudWatch publish',
  }),
  more_topics: setting<readonly string[]>({
    read: texts(rules.topicArn),
    fallback: [],
    meaning: 'Further topics that workflows may name in `notify`',
  }),
  email: setting<string | undefined>({
    read: (c) => c.text(rules.email),
    fallback: undefined,
    defaultText: 'nobody',
    meaning: 'Who subscribes to the topic; AWS asks the address for a confirmation',
  }),
  alarms: setting<boolean>({
    read: (c) => c.flag(),
    fallback: true,
    meaning: 'Whether alarms and a dashboard are made',
  }),
  long_run: setting<number>({
    read: (c) => duration(c, 600, 365 * DAY),
    fallback: 12 * 3_600,
    defaultText: '`"12h"`',
    meaning: 'Alarm when a run takes longer',
  }),
  long_job: setting<number>({
    read: (c) => duration(c, 600, 365 * DAY),
    fallback: 8 * 3_600,
    defaultText: '`"8h"`',
    meaning: 'Alarm when a running job is older',
  }),
  vpc_endpoints: setting<VpcEndpoints | undefined>({
    read: vpcEndpoints,
    fallback: undefined,
    defaultText: 'none',
    meaning: 'Endpoints for instances without a way to the internet; see below',
  }),
  architecture: setting<'x86_64' | 'arm64'>({
    read: (c) => c.oneOf(['x86_64', 'arm64']),
    fallback: 'x86_64',
    meaning: 'Processor of the functions: `x86_64` or `arm64`. The package must be built for it',
  }),
  removal_policy: setting<'retain' | 'destroy'>({
    read: (c) => c.oneOf(['retain', 'destroy']),
    fallback: 'retain',
    meaning:
      "What becomes of the tables and the scripts' log group when the deployment is removed (what was deployed last counts), or they get other names: `retain` or `destroy`",
  }),
  lambda_zip: setting<string>({
    read: (c) => c.text(rules.file),
    fallback: '../target/package/lambda.zip',
    meaning: "The functions' package, a zip or a folder, relative to `cdk-config/`",
  }),
  agent_rpm: setting<string | undefined>({
    read: (c) => c.text(rules.file),
    fallback: '../target/package/rsqlflow-agent.rpm',
    meaning: 'The agent for Amazon Linux and Red Hat, or `false` for none',
  }),
  agent_deb: setting<string | undefined>({
    read: (c) => c.text(rules.file),
    fallback: '../target/package/rsqlflow-agent.deb',
    meaning: 'The agent for Debian and Ubuntu, or `false` for none',
  }),
  function_environment: setting<Readonly<Record<string, string>>>({
    read: variables,
    fallback: {},
    meaning: 'Further variables of the functions, such as `HTTPS_PROXY` or `AWS_ENDPOINT_URL_SSM`',
  }),
  permissions_boundary: setting<string | undefined>({
    read: (c) => c.text(rules.policyArn),
    fallback: undefined,
    defaultText: 'none',
    meaning: 'ARN of the permissions boundary that every role gets',
  }),
  tags: setting<Readonly<Record<string, string>>>({
    read: tags,
    fallback: {},
    meaning: 'Tags of everything that is made',
  }),
  synthesizer: setting<'bootstrap' | 'credentials'>({
    read: (c) => c.oneOf(['bootstrap', 'credentials']),
    fallback: 'bootstrap',
    meaning: "Who deploys: `bootstrap`, the roles that `cdk bootstrap` made, or `credentials`, the caller's own",
  }),
} as const;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** A configuration without problems. Durations are in seconds, retention in days. */
export type Config = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };
