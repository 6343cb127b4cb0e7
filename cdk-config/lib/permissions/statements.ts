import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** Leave to do some actions to some resources. */
export function allow(actions: readonly string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources });
}

/** Operations on items, as far as ours go. */
export type ItemAction = 'GetItem' | 'PutItem' | 'UpdateItem' | 'DeleteItem' | 'Query' | 'Scan';

/** Leave to work on a table's items. */
export function items(table: string, ...actions: ItemAction[]): PolicyStatement {
  return allow(
    actions.map((action) => `dynamodb:${action}`),
    table,
  );
}
