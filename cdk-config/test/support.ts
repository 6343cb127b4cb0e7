import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';

import { deployment } from '../lib/app.js';
import { type Config, readConfig } from '../lib/config/index.js';
import { HOME } from '../lib/package.js';

/** Substitutes for the packages of `make package`. */
const PACKAGES = {
  lambda_zip: 'test/assets/lambda',
  agent_rpm: 'test/assets/agent.rpm',
  agent_deb: 'test/assets/agent.deb',
};

/** Every setting that adds a resource or a permission. */
export const EVERYTHING = {
  prefix: 'team',
  default_secret: 'etl/redshift',
  more_secrets: ['etl/*', 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-AbCdEf'],
  secret_keys: ['arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555'],
  more_targets: [
    { instance_ids: ['i-0123456789abcdef0', 'mi-0123456789abcdef0'] },
    { tags: { Team: 'a', Stage: 'prod' } },
  ],
  more_topics: ['arn:aws:sns:eu-west-1:123456789012:others'],
  email: 'etl@example.com',
  audit_retention: '400d',
  log_retention: '90d',
  creds_dir: '/opt/creds',
  run_as: 'etl',
  instance_credentials: true,
  local_log_retention: '1d12h',
  cancel_poll: 15,
  schedules: [
    {
      name: 'nightly',
      workflow_id: 'nightly_sales',
      expression: 'cron(30 2 * * ? *)',
      time_zone: 'Europe/Berlin',
      parameters: { region: 'emea' },
      late_after: '26h',
    },
    { name: 'hourly', workflow_id: 'häufig', expression: 'rate(1 hour)', enabled: false },
  ],
  event_starts: [
    {
      name: 'arrivals',
      workflow_id: 'load_arrival',
      s3: { bucket: 'landing', prefix: 'in/', suffix: '.csv' },
      parameters: { bucket: '$.detail.bucket.name', key: '$.detail.object.key' },
      late_after: '1d',
    },
    {
      name: 'orders',
      workflow_id: 'bill',
      event_bus: 'shop',
      pattern: { source: ['shop'], detail: { total: [{ numeric: ['>', 10] }] } },
      once_per: ["$.detail['order id']"],
      enabled: false,
    },
  ],
  warehouses: {
    night: { cluster: 'etl', database: 'dev', secret: 'redshift/night' },
    day: { cluster: 'bi', database: 'mart', db_user: 'loader' },
    own: { cluster: 'ops', database: 'ops' },
    cloud: { workgroup: 'adhoc', workgroup_id: '11111111-aaaa', database: 'dev' },
  },
  queueing: '2h',
  tools_dir: '/opt/rsqlflow/tools',
  rsql_client: 'bundled',
  rsql_binary: '/opt/rsqlflow/rsql',
  vpc_endpoints: {
    vpc_id: 'vpc-0123456789abcdef0',
    subnet_ids: ['subnet-0123456789abcdef0', 'subnet-0123456789abcdef1'],
    cidr: '10.0.0.0/16',
    route_table_ids: ['rtb-0123456789abcdef0'],
  },
  tags: { Team: 'etl' },
};

/** Configurations that together use every setting that changes a template. */
export const VARIANTS: Readonly<Record<string, object>> = {
  default: {},
  everything: EVERYTHING,
  existing: {
    instance_role: 'my-instances',
    default_target: { instance_ids: ['i-0123456789abcdef0'] },
    topic_arn: 'arn:aws:sns:eu-west-1:123456789012:mine',
    permissions_boundary: 'arn:aws:iam::123456789012:policy/boundary',
    architecture: 'arm64',
    removal_policy: 'destroy',
    log_retention: 'forever',
    local_log_retention: 'forever',
    cancel_poll: 0,
    synthesizer: 'credentials',
    agent_deb: false,
    alarms: false,
  },
};

/** Reads a configuration as from `cdk.json`. */
export function config(given: object = {}): Config {
  return readConfig((key) => (key === 'rsqlflow' ? { ...PACKAGES, ...given } : undefined)).config;
}

/** A stack of a deployment. */
export type StackName = 'data' | 'orchestration' | 'fleet' | 'schedules' | 'alarms';

/** The app of a configuration. */
export function app(given: object = {}, outdir?: string): App {
  const made = new App(outdir === undefined ? {} : { outdir });
  deployment(made, config(given));
  return made;
}

const synthesised = new Map<object, App>();

/** The template of a stack. Each configuration object is synthesized once. */
export function template(stack: StackName, given: object = VARIANTS['default'] ?? {}): Template {
  const made = synthesised.get(given) ?? app(given);
  synthesised.set(given, made);
  const { prefix } = config(given);
  return Template.fromStack(made.node.findChild(`${prefix}-${stack}`) as Parameters<typeof Template.fromStack>[0]);
}

/** A file of the repository. */
export function repository(path: string): string {
  return readFileSync(resolve(HOME, '..', path), 'utf8');
}

/** A resource of a template. */
export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, unknown>;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
}

/** All resources of a type. */
export function resources(found: Template, type: string): Resource[] {
  return Object.values(found.findResources(type)) as Resource[];
}

/** A value with its intrinsic functions as text: `{"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}]]}` is `arn:<AWS::Partition>`. */
export function flat(value: unknown): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(flat).join(',');
  if (typeof value !== 'object' || value === null) return String(value);
  const [[name, inner] = ['', undefined]] = Object.entries(value);
  if (name === 'Ref') return `<${String(inner)}>`;
  if (name === 'Fn::Join') return (inner as [string, unknown[]])[1].map(flat).join((inner as [string, unknown[]])[0]);
  if (name === 'Fn::GetAtt') return `<${(inner as string[]).join('.')}>`;
  if (name === 'Fn::Sub') return String(inner);
  return JSON.stringify(value);
}

/** A statement of a policy. ARNs have no partition, region and account. */
export interface Statement {
  readonly actions: string[];
  readonly resources: string[];
  readonly conditions: unknown;
}

/** The statements of a policy document. */
export function statements(document: unknown): Statement[] {
  const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
  const { Statement } = document as { Statement: Record<string, unknown>[] };
  return Statement.map((one) => ({
    actions: list(one['Action']).map(String),
    resources: list(one['Resource']).map((arn) =>
      flat(arn)
        .replace(/^arn:<AWS::Partition>:/, '')
        .replace(/<AWS::Region>:<AWS::AccountId>:/, '')
        .replace(/^([a-z0-9-]+)::/, '$1:'),
    ),
    conditions: one['Condition'],
  }));
}

/** The statements of a role, found by its description. */
export function roleStatements(found: Template, description: RegExp): Statement[] {
  const role = resources(found, 'AWS::IAM::Role').find(({ Properties }) =>
    description.test(String(Properties['Description'])),
  );
  if (role === undefined) throw new Error(`no role has the description ${description}`);
  return (role.Properties['Policies'] as { PolicyDocument: unknown }[]).flatMap(({ PolicyDocument }) =>
    statements(PolicyDocument),
  );
}
