import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { Config, Target } from '../config/index.js';
import type { Warehouse } from '../config/warehouse.js';
import { CONTRACT, type FunctionFacts, JOB_MACHINES, type Permission } from '../contract.js';
import type { Arns, Names } from '../names.js';
import { allow } from './statements.js';

/**
 * The function whose role another one has. The Redshift Data API lists the statements of a role to this role only, and the
 * clock must find those that the launcher has sent.
 */
const SHARED_ROLES: Readonly<Record<string, string>> = { clock: 'rsql-invoke' };

/** The function whose role a function has: mostly its own. */
export function roleOf(handler: string): string {
  return SHARED_ROLES[handler] ?? handler;
}

/** What a role allows: everything that its functions need, each statement once. */
export function roleStatements(handler: string, config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const all = CONTRACT.functions
    .filter((one) => roleOf(one.handler) === handler)
    .flatMap((one) => functionStatements(one, config, names, arns));
  const seen = new Set<string>();
  return all.filter((statement) => {
    const text = JSON.stringify(statement.toJSON());
    return !seen.has(text) && seen.add(text) !== undefined;
  });
}

/** What a function needs: its own log, and the permissions that the Rust code declares. */
export function functionStatements(
  { handler, permissions }: FunctionFacts,
  config: Config,
  names: Names,
  arns: Arns,
): PolicyStatement[] {
  return [
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arns.logStreams(names.functionLogs(handler))),
    ...permissions.flatMap((permission) => statements(permission, config, names, arns)),
  ];
}

function statements({ on, actions }: Permission, config: Config, names: Names, arns: Arns): PolicyStatement[] {
  if (on === 'targets') return onTargets(actions, config, names, arns);
  if (on === 'warehouses') return onWarehouses(actions, config, arns);
  // Without a warehouse nothing calls the Data API.
  const isOfDataApi = actions.every((action) => action.startsWith('redshift-data:'));
  if (isOfDataApi && Object.keys(config.warehouses).length === 0) return [];
  return [allow(actions, ...resources(on, config, arns))];
}

function resources(on: Exclude<Permission['on'], 'targets' | 'warehouses'>, config: Config, arns: Arns): string[] {
  if (on === 'log_group') return [arns.logStreams(config.log_group)];
  if (on === 'anything') return ['*'];
  if (on === 'dead_letters') return [arns.deadLetters()];
  if (on === 'topics') return [arns.topic(), ...config.more_topics];
  if (on === 'tasks') return JOB_MACHINES.map((name) => arns.machine(name));
  if ('table' in on) return [arns.table(on.table)];
  if ('index' in on) return CONTRACT.tables[on.index].indexes.map(({ name }) => arns.index(on.index, name));
  if ('machine' in on) return on.machine.map((name) => arns.machine(name));
  return on.executions.map((name) => arns.executions(name));
}

/** Every target that a command may have. */
export function targets(config: Config): Target[] {
  return [...(config.default_target === undefined ? [] : [config.default_target]), ...config.more_targets];
}

/**
 * Statements run only on the configured clusters and workgroups, with the configured credentials. The Data API gets these
 * for the caller, who needs a permission for that (Redshift management guide, "Authorizing access to the Amazon Redshift
 * Data API").
 */
function onWarehouses(actions: readonly string[], config: Config, arns: Arns): PolicyStatement[] {
  const all: readonly Warehouse[] = Object.values(config.warehouses);
  if (all.length === 0) return [];
  const workgroup = ({ workgroup_id }: Warehouse): string => arns.workgroup(workgroup_id ?? '*');
  const place = (one: Warehouse): string => (one.cluster === undefined ? workgroup(one) : arns.cluster(one.cluster));
  const list = [allow(actions, ...new Set(all.map(place)))];
  const add = (action: string, resources: readonly string[]): void => {
    if (resources.length > 0) list.push(allow([action], ...new Set(resources)));
  };
  add(
    'secretsmanager:GetSecretValue',
    all.flatMap(({ secret }) => (secret === undefined ? [] : [arns.secret(secret)])),
  );
  add(
    'redshift:GetClusterCredentials',
    all.flatMap(({ cluster, db_user, database }) =>
      cluster === undefined || db_user === undefined
        ? []
        : [arns.ofCluster('dbuser', cluster, db_user), arns.ofCluster('dbname', cluster, database)],
    ),
  );
  add(
    'redshift:GetClusterCredentialsWithIAM',
    all.flatMap(({ cluster, db_user, secret, database }) =>
      cluster === undefined || db_user !== undefined || secret !== undefined
        ? []
        : [arns.ofCluster('dbname', cluster, database)],
    ),
  );
  add(
    'redshift-serverless:GetCredentials',
    all.flatMap((one) => (one.workgroup === undefined || one.secret !== undefined ? [] : [workgroup(one)])),
  );
  const keys = all.some(({ secret }) => secret !== undefined) ? config.secret_keys : [];
  add('kms:Decrypt', keys);
  return list;
}

/**
 * Commands run only the document of this deployment, on instances that are named or tagged. IAM evaluates the document
 * and the instance of a call: a statement for the document alone allows no instance, and the other way round.
 */
function onTargets(actions: readonly string[], config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const ids = targets(config).flatMap((target) => ('instance_ids' in target ? target.instance_ids : []));
  const byId = ids.map((id) => (id.startsWith('mi-') ? arns.managedInstance(id) : arns.instance(id)));
  const byTag = targets(config).flatMap((target) => {
    if (!('tags' in target)) return [];
    return new PolicyStatement({
      actions: [...actions],
      resources: [arns.instance('*'), arns.managedInstance('*')],
      conditions: {
        StringEquals: Object.fromEntries(
          Object.entries(target.tags).map(([key, value]) => [`ssm:resourceTag/${key}`, value]),
        ),
      },
    });
  });
  return [allow(actions, arns.document(names.runJob), ...new Set(byId)), ...byTag];
}
