import { Aws, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { PolicyDocument, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct, IConstruct } from 'constructs';

import type { Config } from '../config/index.js';
import { FUNCTIONS, MACHINES } from '../contract.js';
import { type Arns, Names, pascal } from '../names.js';
import { machineDefinition } from '../package.js';
import { machineStatements } from '../permissions/machines.js';

/** Properties of every stack. */
export interface DeploymentProps extends StackProps {
  readonly config: Config;
}

/** A stack of a deployment. It has no account and no region: the credentials that deploy it determine both. */
export abstract class DeploymentStack extends Stack {
  protected readonly config: Config;
  protected readonly names: Names;
  protected readonly arns: Arns;

  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    this.config = props.config;
    this.names = new Names(props.config);
    this.arns = this.names.arns(this);
  }

  /** What happens to data when the deployment is destroyed. */
  protected get removal(): RemovalPolicy {
    // A first deployment that fails deletes its empty tables, so that it can be repeated.
    return this.config.removal_policy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
  }

  /** A role for a service. Its policy is inline, so that the role has its permissions as soon as it exists. */
  protected role(id: string, service: string, description: string, statements: readonly PolicyStatement[]): Role {
    const principal = new ServicePrincipal(service);
    // Lambda and EC2 set no source account when they assume a role.
    const confusable = service !== 'lambda.amazonaws.com' && service !== 'ec2.amazonaws.com';
    return new Role(this, id, {
      description,
      assumedBy: confusable
        ? principal.withConditions({ StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } })
        : principal,
      inlinePolicies: { own: new PolicyDocument({ statements: [...statements] }) },
    });
  }

  /** A log group. Unless it has data of users, it is deleted with the deployment. */
  protected logGroup(id: string, logGroupName: string, removalPolicy = RemovalPolicy.DESTROY): LogGroup {
    const days = this.config.log_retention;
    // The values of RetentionDays are days. 9999 is "infinite", which sets no property.
    const retention = (days === 'forever' ? 9999 : days) as RetentionDays;
    return new LogGroup(this, id, { logGroupName, retention, removalPolicy });
  }

  /** A state machine with its role and its log group. */
  protected machine(name: string, type: 'STANDARD' | 'EXPRESS' = 'STANDARD'): CfnStateMachine {
    const id = pascal(name);
    const definition = machineDefinition(name);
    const logs = this.logGroup(`${id}Logs`, this.names.machineLogs(name));
    const role = this.role(
      `${id}Role`,
      'states.amazonaws.com',
      `The state machine ${this.names.machine(name)}`,
      machineStatements(name, definition, this.names, this.arns),
    );
    this.explain(role, {
      'IAM5[Resource::*]':
        'Delivery of logs and traces supports no resources; PutMetricData is limited to a namespace by a condition.',
      ...Object.fromEntries(
        MACHINES.filter((child) => child !== 'master').map((child) => [
          `IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${this.names.machine(child)}:*]`,
          'Each child execution has its own name. Only executions of this state machine are allowed.',
        ]),
      ),
    });
    const values: Record<string, string> = {
      Partition: Aws.PARTITION,
      JobAuditTable: this.names.tables.job_audit,
      Metrics: this.names.metrics,
      ...Object.fromEntries(FUNCTIONS.map((one) => [`${pascal(one)}Arn`, this.arns.function(one)])),
      ...Object.fromEntries(MACHINES.map((one) => [`${pascal(one)}MachineArn`, this.arns.machine(one)])),
    };
    return new CfnStateMachine(this, `${id}Machine`, {
      stateMachineName: this.names.machine(name),
      stateMachineType: type,
      definitionString: definition,
      definitionSubstitutions: Object.fromEntries(
        placeholders(definition).map((one) => [one, given(values, one, name)]),
      ),
      roleArn: role.roleArn,
      // Execution data contains task tokens.
      loggingConfiguration: {
        level: 'ALL',
        includeExecutionData: false,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logs.logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    });
  }

  /** Records why a finding of cdk-nag is accepted. */
  protected explain(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
    for (const [id, reason] of Object.entries(reasons)) {
      Validations.of(construct).acknowledge({ id: `AwsSolutions-${id}`, reason });
    }
  }
}

/** The names of the placeholders `${…}` of a definition. */
export function placeholders(definition: string): string[] {
  return [...new Set([...definition.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1] ?? ''))].sort();
}

function given(values: Readonly<Record<string, string>>, placeholder: string, machine: string): string {
  const value = values[placeholder];
  if (value === undefined)
    throw new Error(`the state machine ${machine} has the placeholder \${${placeholder}}, which has no value`);
  return value;
}
