import { CfnOutput } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

import { EXPIRY, SHAPES, type Shape } from '../tables.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** What a team would miss: its workflows, the audit tables, the scripts' output. */
export class DataStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    this.table('ConfigTable', this.names.tables.config, SHAPES.config);
    this.table('WorkflowAuditTable', this.names.tables.workflowAudit, SHAPES.workflowAudit);
    this.table('JobAuditTable', this.names.tables.jobAudit, SHAPES.jobAudit);
    this.logGroup('ScriptLogs', this.config.log_group, this.removal);
    const { removal_policy } = this.config;
    new CfnOutput(this, 'OnDestroy', {
      value: removal_policy === 'retain' ? 'The tables and this log group stay' : 'The tables and this log group go',
      description: `What becomes of the data: removal_policy is ${removal_policy}`,
    });
  }

  private table(id: string, tableName: string, shape: Shape): void {
    const text = (name: string) => ({ name, type: AttributeType.STRING });
    const table = new Table(this, id, {
      tableName,
      partitionKey: text(shape.partition),
      ...(shape.sort === undefined ? {} : { sortKey: text(shape.sort) }),
      ...(shape.expires ? { timeToLiveAttribute: EXPIRY } : {}),
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      removalPolicy: this.removal,
    });
    if (shape.index !== undefined) {
      table.addGlobalSecondaryIndex({
        indexName: shape.index.name,
        partitionKey: text(shape.index.partition),
        sortKey: text('execution_start_ts'),
        projectionType: ProjectionType.INCLUDE,
        nonKeyAttributes: [...shape.index.columns],
      });
    }
    new CfnOutput(this, `${id}Name`, { value: tableName });
  }
}
