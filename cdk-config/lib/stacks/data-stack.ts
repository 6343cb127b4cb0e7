import { CfnOutput } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import type { Construct } from 'constructs';

import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** A table. Keys are texts. */
interface Shape {
  readonly partition: string;
  readonly sort?: string;
  readonly index?: { readonly name: string; readonly partition: string; readonly columns: readonly string[] };
  /** Whether its rows expire. */
  readonly expires: boolean;
}

/** Column with the second since 1970 after which a row may go. */
const EXPIRY = 'expires_at';

/** The tables as `store/src/schema.rs` makes them on one machine; a test holds the two to each other. */
export const SHAPES = {
  config: { partition: 'workflow_id', expires: false },
  workflowAudit: {
    partition: 'workflow_execution_id',
    index: {
      name: 'workflow_id-index',
      partition: 'workflow_id',
      columns: ['execution_status', 'execution_end_ts', 'error_message', 'restarted_from'],
    },
    expires: true,
  },
  jobAudit: {
    partition: 'workflow_execution_id',
    sort: 'job_id',
    index: {
      name: 'job_name-index',
      partition: 'job_name',
      columns: ['workflow_id', 'execution_status', 'execution_end_ts', 'exit_code'],
    },
    expires: true,
  },
} as const satisfies Record<string, Shape>;

/** What a team would miss: its workflows, the audit tables, the scripts' output. */
export class DataStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    this.table('ConfigTable', this.names.tables.config, SHAPES.config);
    this.table('WorkflowAuditTable', this.names.tables.workflowAudit, SHAPES.workflowAudit);
    this.table('JobAuditTable', this.names.tables.jobAudit, SHAPES.jobAudit);
    this.logGroup('ScriptLogs', this.config.log_group, this.removal);
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
