import type { Cursor } from './reader.js';
import * as rules from './rules.js';

/** A warehouse that workflows may name: a database of a cluster or workgroup, and as whom it is used. */
export interface Warehouse {
  readonly cluster?: string;
  readonly workgroup?: string;
  /** The last part of the workgroup's ARN, which is an ID and not the name. */
  readonly workgroup_id?: string;
  readonly database: string;
  readonly secret?: string;
  readonly db_user?: string;
}

const EXAMPLE = 'write {"workgroup": "etl", "database": "dev", "secret": "…"}';

/** Reads warehouses by their names. */
export function warehouses(cursor: Cursor): Readonly<Record<string, Warehouse>> | undefined {
  const read: Record<string, Warehouse> = {};
  for (const [name, value] of cursor.entries() ?? []) {
    const broken = rules.warehouse(name);
    if (broken !== undefined) value.report(`${JSON.stringify(name)} ${broken.message}`, broken.hint);
    const one = warehouse(value);
    if (one !== undefined) read[name] = one;
  }
  return read;
}

function warehouse(cursor: Cursor): Warehouse | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const [isCluster, isWorkgroup] = [object.has('cluster'), object.has('workgroup')];
  const fields = {
    cluster: object.take('cluster', (field) => field.text(rules.redshiftName)),
    workgroup: object.take('workgroup', (field) => field.text(rules.redshiftName)),
    workgroup_id: object.take('workgroup_id', (field) => field.text(rules.workgroupId)),
    database: object.need('database', 'name the database', (field) => field.text(rules.database)),
    secret: object.take('secret', (field) => field.text(rules.secret)),
    db_user: object.take('db_user', (field) => field.text(rules.database)),
  };
  object.finish();
  if (isCluster === isWorkgroup)
    return cursor.report(isCluster ? 'has both cluster and workgroup' : 'has neither cluster nor workgroup', EXAMPLE);
  if (fields.secret !== undefined && fields.db_user !== undefined)
    return cursor.report('has both secret and db_user', 'leave one of them out');
  if (isWorkgroup && fields.db_user !== undefined)
    return cursor.report('has a db_user, which a workgroup does not take', 'name a secret, or leave it out');
  if (isCluster && fields.workgroup_id !== undefined)
    return cursor.report('has a workgroup_id, but is a cluster', 'leave it out');
  const { database } = fields;
  if (database === undefined) return undefined;
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return { ...(Object.fromEntries(given) as Partial<Warehouse>), database };
}
