import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** Allows actions on resources. */
export function allow(actions: readonly string[], ...resources: string[]): PolicyStatement {
  return new PolicyStatement({ actions: [...actions], resources });
}
