import { CONTRACT } from '../contract.js';
import { duration, showDuration } from './duration.js';
import { type VpcEndpoints, vpcEndpoints } from './endpoints.js';
import { type EventStart, eventStarts } from './event-start.js';
import type { Cursor } from './reader.js';
import * as rules from './rules.js';
import { type Schedule, schedules } from './schedule.js';
import { type Target, target } from './target.js';
import { type Warehouse, warehouses } from './warehouse.js';

/** A setting: how to read it, its default, and its documentation. */
interface Setting<T> {
  readonly read: (cursor: Cursor) => T | undefined;
  readonly fallback: T;
  /** The default as the documentation shows it, where the value itself is not clear. */
  readonly defaultText?: string;
  readonly meaning: string;
}

function setting<T>(one: Setting<T>): Setting<T> {
  return one;
}

const DAY = 86_400;

const { timing, agent, tables } = CONTRACT;

/** A duration as the documentation shows it. */
const shown = (seconds: number): string => `\`"${showDuration(seconds)}"\``;

/** Retention periods of CloudWatch Logs in days (API reference, `PutRetentionPolicy`). */
export const RETENTION_DAYS = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
] as const;

const FOREVER = 'write "forever" to keep everything';

function retention(cursor: Cursor): number | 'forever' | undefined {
  if (cursor.value === 'forever') return 'forever';
  const seconds = duration(cursor, DAY, 3653 * DAY, FOREVER);
  if (seconds === undefined) return undefined;
  const days = seconds / DAY;
  if ((RETENTION_DAYS as readonly number[]).includes(days)) return days;
  const next = RETENTION_DAYS.find((kept) => kept > days) ?? 3653;
  return cursor.report(
    `${JSON.stringify(cursor.value)} is not a retention period of CloudWatch Logs`,
    `the next longer one is "${next}d"`,
  );
}

/** The agent reads 0 as "forever". A user could mean "keep nothing", so 0 is refused here. */
function localRetention(cursor: Cursor): number | 'forever' | undefined {
  return cursor.value === 'forever' ? 'forever' : duration(cursor, 3_600, 3653 * DAY, FOREVER);
}

function heartbeat(cursor: Cursor): number | undefined {
  const { shortest_heartbeat: least, longest_heartbeat: most } = timing;
  return duration(
    cursor,
    least,
    most,
    `a heartbeat must cover the launch, the delivery by SSM and the start of the agent, which takes ${showDuration(least)}`,
  );
}

const texts = (rule: Parameters<Cursor['text']>[0]) => (cursor: Cursor) => cursor.list((item) => item.text(rule));

function tags(cursor: Cursor): Readonly<Record<string, string>> | undefined {
  const read: Record<string, string> = {};
  for (const [key, value] of cursor.entries() ?? []) read[key] = value.text() ?? '';
  return read;
}

/** Names that Lambda reserves (developer guide, "Using Lambda environment variables"), and those of the deployment. */
const RESERVED =
  /^(_|LAMBDA_|AWS_(LAMBDA_|REGION$|DEFAULT_REGION$|ACCESS_KEY|SECRET_ACCESS_KEY|SESSION_TOKEN|EXECUTION_ENV$)|RSQLFLOW_)/;

function variables(cursor: Cursor): Readonly<Record<string, string>> | undefined {
  const read: Record<string, string> = {};
  for (const [name, value] of cursor.entries() ?? []) {
    if (name.startsWith('RSQLFLOW_')) value.report('is reserved', 'use the setting of the deployment instead');
    else if (!/^[A-Za-z]\w*$/.test(name) || RESERVED.test(name)) value.report('is not a name that can be set here');
    read[name] = value.text() ?? '';
  }
  return read;
}

/** Every setting, in the order of the documentation. Durations are in seconds, retention is in days. */
export const SETTINGS = {
  prefix: setting<string>({
    read: (c) => c.text(rules.prefix),
    fallback: CONTRACT.prefix,
    meaning: 'Start of every name. Each prefix is a separate deployment',
  }),
  config_table: setting<string | undefined>({
    read: (c) => c.text(rules.table),
    fallback: undefined,
    defaultText: `\`<prefix>-${tables.config.suffix}\``,
    meaning: 'Table of workflow items',
  }),
  workflow_audit_table: setting<string | undefined>({
    read: (c) => c.text(rules.table),
    fallback: undefined,
    defaultText: `\`<prefix>-${tables.workflow_audit.suffix}\``,
    meaning: 'Table of runs',
  }),
  job_audit_table: setting<string | undefined>({
    read: (c) => c.text(rules.table),
    fallback: undefined,
    defaultText: `\`<prefix>-${tables.job_audit.suffix}\``,
    meaning: 'Table of jobs',
  }),
  audit_retention: setting<number | undefined>({
    read: (c) => duration(c, DAY, CONTRACT.durations.longest_seconds),
    fallback: undefined,
    defaultText: 'forever',
    meaning: 'How long the two audit tables keep their rows, such as `"400d"`',
  }),
  log_group: setting<string>({
    read: (c) => c.text(rules.logGroup),
    fallback: CONTRACT.log_group,
    meaning: 'Log group of the output of scripts',
  }),
  log_retention: setting<number | 'forever'>({
    read: retention,
    fallback: 365,
    defaultText: '`"365d"`',
    meaning: 'Retention of every log group: `"90d"`, or `"forever"`',
  }),
  default_target: setting<Target | undefined>({
    read: target,
    fallback: { tags: { Role: 'etl' } },
    meaning:
      'Default instances of jobs: `{"tags": {…}}` or `{"instance_ids": […]}`. The deployment installs the agent on them',
  }),
  more_targets: setting<readonly Target[]>({
    read: (c) => c.list(target),
    fallback: [],
    meaning:
      'Other instances that workflows may name. The deployment installs the agent on them too. Commands to any other instance are denied',
  }),
  instance_role: setting<string | undefined>({
    read: (c) => c.text(rules.roleName),
    fallback: undefined,
    defaultText: 'the deployment creates a role and an instance profile',
    meaning: 'Name of the role that the instances have already. The deployment adds the permissions of the agent to it',
  }),
  default_secret: setting<string | undefined>({
    read: (c) => c.text(rules.secret),
    fallback: undefined,
    defaultText: 'none: such jobs get no credentials',
    meaning: 'Default secret with the database credentials',
  }),
  more_secrets: setting<readonly string[]>({
    read: texts(rules.secretPattern),
    fallback: [],
    meaning: 'Other secrets that the agent may read: names, ARNs, or patterns with `*`',
  }),
  secret_keys: setting<readonly string[]>({
    read: texts(rules.keyArn),
    fallback: [],
    meaning: 'KMS keys of these secrets, if they do not use the default key',
  }),
  warehouses: setting<Readonly<Record<string, Warehouse>>>({
    read: warehouses,
    fallback: {},
    meaning:
      'Where jobs with `sql` run, by the names that workflows use: `{"night": {"workgroup": "etl", "workgroup_id": "…", "database": "dev", "secret": "…"}}`, or `cluster` with `secret` or `db_user`. The functions may use no other cluster, workgroup or secret. Without `workgroup_id`, the end of its ARN, they may use every workgroup of the account',
  }),
  default_heartbeat: setting<number>({
    read: heartbeat,
    fallback: timing.default_heartbeat,
    defaultText: shown(timing.default_heartbeat),
    meaning: `Default heartbeat of jobs: the longest time without a sign of life of the agent, at least ${shown(timing.shortest_heartbeat)}`,
  }),
  default_timeout: setting<number>({
    read: (c) => duration(c, 1, timing.longest_timeout),
    fallback: timing.default_timeout,
    defaultText: shown(timing.default_timeout),
    meaning: 'Default timeout of a try',
  }),
  queueing: setting<number>({
    read: (c) => duration(c, 0, timing.longest_queueing),
    fallback: timing.default_queueing,
    defaultText: shown(timing.default_queueing),
    meaning: 'How long a job may wait on an instance that runs `max_jobs` scripts already',
  }),
  script_dir: setting<string>({
    read: (c) => c.text(rules.directory),
    fallback: '/opt/rsqlflow/scripts',
    meaning: 'Directory of the scripts on the instances',
  }),
  creds_dir: setting<string | undefined>({
    read: (c) => c.text(rules.directory),
    fallback: undefined,
    defaultText: "`script_dir` if the file is there, else the agent's own directory",
    meaning: 'Directory of `get_redshift_creds.sh`, which is the first argument of every script',
  }),
  log_dir: setting<string>({
    read: (c) => c.text(rules.directory),
    fallback: '/var/log/rsqlflow',
    meaning: 'Directory of local logs on the instances',
  }),
  local_log_retention: setting<number | 'forever' | undefined>({
    read: localRetention,
    fallback: undefined,
    defaultText: shown(agent.default_log_retention_seconds),
    meaning:
      'How long the agent keeps a local log after its last line, at least `"1h"`: `"7d"`, or `"forever"`. It is `log_retention` of the agent',
  }),
  spool_dir: setting<string>({
    read: (c) => c.text(rules.directory),
    fallback: '/var/lib/rsqlflow',
    meaning: 'Directory of results that are not delivered yet, on the instances',
  }),
  tools_dir: setting<string | undefined>({
    read: (c) => c.text(rules.directory),
    fallback: undefined,
    defaultText: '`tools` in `spool_dir`',
    meaning:
      'Directory of the tools that the agent provides to scripts, on the instances. The user `run_as` must be able to read it',
  }),
  rsql_client: setting<string | undefined>({
    read: (c) => c.oneOf(agent.rsql_clients),
    fallback: undefined,
    defaultText: '`"auto"`',
    meaning:
      "Which `rsql` scripts use: the agent's own (`bundled`), the one on the `PATH` (`system`), or the one on the `PATH` if there is one and else the agent's own (`auto`)",
  }),
  rsql_binary: setting<string | undefined>({
    read: (c) => c.text(rules.directory),
    fallback: undefined,
    defaultText: 'the one installed with the agent',
    meaning: "Path of the agent's own `rsql` on the instances",
  }),
  run_as: setting<string | undefined>({
    read: (c) => c.text(rules.user),
    fallback: undefined,
    defaultText: '`rsqlflow`, which the package makes',
    meaning:
      'User that runs the scripts. With `root`, nothing keeps scripts from the rest of the instance ([security.md](security.md))',
  }),
  instance_credentials: setting<boolean | undefined>({
    read: (c) => c.flag(),
    fallback: undefined,
    defaultText: '`false`',
    meaning:
      "Whether scripts may use the credentials of the instances' role, as the AWS CLI does ([security.md](security.md))",
  }),
  max_jobs: setting<number>({
    read: (c) => c.whole(1, 1000),
    fallback: 40,
    meaning: 'How many scripts run on an instance at the same time. Others wait',
  }),
  cancel_poll: setting<number | undefined>({
    // A renewal also reads whether the job is to be cancelled, so a longer interval has no effect.
    read: (c) => duration(c, 0, timing.longest_heartbeat / 3, 'write 0 to check at renewals only'),
    fallback: undefined,
    defaultText: shown(agent.default_cancel_poll_seconds),
    meaning:
      'How often an agent checks whether its job is to be cancelled, at most `"8h"`. `0` checks only at renewals, three times in a heartbeat. A check costs half a read unit of the job audit table',
  }),
  schedules: setting<readonly Schedule[]>({
    read: schedules,
    fallback: [],
    meaning: 'Schedules that start workflows, see below',
  }),
  event_starts: setting<readonly EventStart[]>({
    read: eventStarts,
    fallback: [],
    meaning: 'Events that start workflows: new objects in S3, or any event of EventBridge, see below',
  }),
  topic_arn: setting<string | undefined>({
    read: (c) => c.text(rules.topicArn),
    fallback: undefined,
    defaultText: 'the deployment creates `<prefix>-notifications`',
    meaning: 'SNS topic for failed runs and for alarms. The policy of your own topic must allow CloudWatch to publish',
  }),
  more_topics: setting<readonly string[]>({
    read: texts(rules.topicArn),
    fallback: [],
    meaning: 'Other topics that workflows may name in `notify`',
  }),
  email: setting<string | undefined>({
    read: (c) => c.text(rules.email),
    fallback: undefined,
    defaultText: 'none',
    meaning: 'Email address that subscribes to the topic. AWS sends it a request for confirmation',
  }),
  alarms: setting<boolean>({
    read: (c) => c.flag(),
    fallback: true,
    meaning: 'Whether to create alarms and a dashboard',
  }),
  long_run: setting<number>({
    read: (c) => duration(c, 600, 365 * DAY),
    fallback: 12 * 3_600,
    defaultText: '`"12h"`',
    meaning: 'Raises an alarm if a run takes longer',
  }),
  long_job: setting<number>({
    read: (c) => duration(c, 600, 365 * DAY),
    fallback: 8 * 3_600,
    defaultText: '`"8h"`',
    meaning: 'Raises an alarm if a job runs longer',
  }),
  vpc_endpoints: setting<VpcEndpoints | undefined>({
    read: vpcEndpoints,
    fallback: undefined,
    defaultText: 'none',
    meaning: 'VPC endpoints for instances without internet access, see below',
  }),
  architecture: setting<'x86_64' | 'arm64'>({
    read: (c) => c.oneOf(['x86_64', 'arm64']),
    fallback: 'x86_64',
    meaning: 'Architecture of the functions: `x86_64` or `arm64`. The package must be built for it',
  }),
  removal_policy: setting<'retain' | 'destroy'>({
    read: (c) => c.oneOf(['retain', 'destroy']),
    fallback: 'retain',
    meaning:
      'What happens to the tables and the log group of scripts if you destroy the deployment or rename them: `retain` or `destroy`. The value of the last deployment applies',
  }),
  lambda_zip: setting<string>({
    read: (c) => c.text(rules.file),
    fallback: '../target/package/lambda.zip',
    meaning: 'Package of the functions, a zip file or a directory, relative to `cdk-config/`',
  }),
  agent_rpm: setting<string | undefined>({
    read: (c) => c.text(rules.file),
    fallback: '../target/package/rsqlflow-agent.rpm',
    meaning: 'Package of the agent for Amazon Linux and Red Hat, or `false` for none',
  }),
  agent_deb: setting<string | undefined>({
    read: (c) => c.text(rules.file),
    fallback: '../target/package/rsqlflow-agent.deb',
    meaning: 'Package of the agent for Debian and Ubuntu, or `false` for none',
  }),
  function_environment: setting<Readonly<Record<string, string>>>({
    read: variables,
    fallback: {},
    meaning: 'Other environment variables of the functions, such as `HTTPS_PROXY` or `AWS_ENDPOINT_URL_SSM`',
  }),
  permissions_boundary: setting<string | undefined>({
    read: (c) => c.text(rules.policyArn),
    fallback: undefined,
    defaultText: 'none',
    meaning: 'ARN of the permissions boundary of every role',
  }),
  tags: setting<Readonly<Record<string, string>>>({
    read: tags,
    fallback: {},
    meaning: 'Tags of every resource',
  }),
  synthesizer: setting<'bootstrap' | 'credentials'>({
    read: (c) => c.oneOf(['bootstrap', 'credentials']),
    fallback: 'bootstrap',
    meaning:
      'Credentials that deploy: `bootstrap` uses the roles of `cdk bootstrap`, `credentials` uses those of the caller',
  }),
} as const;

type ValueOf<S> = S extends Setting<infer T> ? T : never;

/** A configuration without problems. Durations are in seconds, retention in days. */
export type Config = { readonly [K in keyof typeof SETTINGS]: ValueOf<(typeof SETTINGS)[K]> };
