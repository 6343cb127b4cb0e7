import type { Cursor, Rule } from './reader.js';

/** Where endpoints are made for instances without a way to the internet. */
export interface VpcEndpoints {
  readonly vpc_id: string;
  /** One subnet in each zone; each is billed. */
  readonly subnet_ids: readonly string[];
  /** Address range whose instances may use them. */
  readonly cidr: string;
  /** Route tables of those subnets, for DynamoDB and S3. */
  readonly route_table_ids: readonly string[];
}

function id(kind: string): Rule {
  const pattern = new RegExp(`^${kind}-[0-9a-f]{8,17}$`);
  return (text) =>
    pattern.test(text) ? undefined : { message: 'is not an id', mend: `write one such as ${kind}-0123456789abcdef0` };
}

const cidr: Rule = (text) => {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)?.slice(1).map(Number);
  const ok = parts !== undefined && parts.slice(0, 4).every((n) => n <= 255) && (parts[4] ?? 99) <= 32;
  return ok ? undefined : { message: 'is not an address range', mend: 'write one such as 10.0.0.0/16' };
};

/** Reads the place of the endpoints. */
export function vpcEndpoints(cursor: Cursor): VpcEndpoints | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const some = (field: Cursor, rule: Rule): string[] | undefined => {
    const list = field.list((item) => item.text(rule));
    return list?.length === 0 ? field.report('is empty') : list;
  };
  const vpc_id = object.need('vpc_id', 'name the VPC of the instances', (f) => f.text(id('vpc')));
  const subnet_ids = object.need('subnet_ids', 'name one subnet of each zone', (f) => some(f, id('subnet')));
  const range = object.need('cidr', "write the VPC's address range", (f) => f.text(cidr));
  const route_table_ids = object.need('route_table_ids', "name the subnets' route tables", (f) => some(f, id('rtb')));
  object.finish();
  if (vpc_id === undefined || subnet_ids === undefined || range === undefined || route_table_ids === undefined)
    return undefined;
  return { vpc_id, subnet_ids, cidr: range, route_table_ids };
}
