import type { Cursor, Rule } from './reader.js';

/** Where to create VPC endpoints for instances without internet access. */
export interface VpcEndpoints {
  readonly vpc_id: string;
  /** One subnet of each Availability Zone. Each endpoint in each subnet is billed. */
  readonly subnet_ids: readonly string[];
  /** Address range of the instances that may use them. */
  readonly cidr: string;
  /** Route tables of these subnets, for the gateway endpoints of DynamoDB and S3. */
  readonly route_table_ids: readonly string[];
}

function id(kind: string): Rule {
  const pattern = new RegExp(`^${kind}-[0-9a-f]{8,17}$`);
  return (text) =>
    pattern.test(text)
      ? undefined
      : { message: `is not an id of the kind ${kind}`, hint: `write an id such as ${kind}-0123456789abcdef0` };
}

const cidr: Rule = (text) => {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text)?.slice(1).map(Number);
  const ok = parts !== undefined && parts.slice(0, 4).every((n) => n <= 255) && (parts[4] ?? 99) <= 32;
  return ok ? undefined : { message: 'is not an IPv4 address range', hint: 'write a range such as 10.0.0.0/16' };
};

/** Reads where to create the endpoints. */
export function vpcEndpoints(cursor: Cursor): VpcEndpoints | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const some = (field: Cursor, rule: Rule): string[] | undefined => {
    const list = field.list((item) => item.text(rule));
    return list?.length === 0 ? field.report('is empty') : list;
  };
  const vpc_id = object.need('vpc_id', 'name the VPC of the instances', (f) => f.text(id('vpc')));
  const subnet_ids = object.need('subnet_ids', 'name one subnet of each Availability Zone', (f) =>
    some(f, id('subnet')),
  );
  const range = object.need('cidr', 'write the address range of the VPC', (f) => f.text(cidr));
  const route_table_ids = object.need('route_table_ids', 'name the route tables of the subnets', (f) =>
    some(f, id('rtb')),
  );
  object.finish();
  if (vpc_id === undefined || subnet_ids === undefined || range === undefined || route_table_ids === undefined)
    return undefined;
  return { vpc_id, subnet_ids, cidr: range, route_table_ids };
}
