import { CfnOutput } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

import { CONTRACT, TABLES, type TableName } from '../contract.js';
import { pascal } from '../names.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** The data of a deployment: workflows, audit tables, the output of scripts. */
export class DataStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    for (const table of TABLES) this.table(table);
    this.logGroup('ScriptLogs', this.config.log_group, this.removal);
    const { removal_policy } = this.config;
    new CfnOutput(this, 'OnDestroy', {
      value:
        removal_policy === 'retain'
          ? 'The tables and this log group are retained'
          : 'The tables and this log group are deleted',
      description: `What happens to the data on cdk destroy: removal_policy is ${removal_policy}`,
    });
  }

  private table(which: TableName): void {
    const shape = CONTRACT.tables[which];
    const id = `${pascal(which)}Table`;
    const tableName = this.names.tables[which];
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    const table = new Table(this, id, {
      tableName,
      partitionKey: text(shape.partition),
      ...(shape.sort === null ? {} : { sortKey: text(shape.sort) }),
      ...(shape.expires ? { timeToLiveAttribute: CONTRACT.expiry } : {}),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: this.removal,
    });
    for (const index of shape.indexes) {
      table.addGlobalSecondaryIndex({
        indexName: index.name,
        partitionKey: text(index.partition),
        sortKey: text(index.sort),
        ...(index.columns.length === 0
          ? { projectionType: ProjectionType.KEYS_ONLY }
          : { projectionType: ProjectionType.INCLUDE, nonKeyAttributes: [...index.columns] }),
      });
    }
    new CfnOutput(this, `${id}Name`, { value: tableName });
  }
}
