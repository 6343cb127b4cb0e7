import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { Aws, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib';
import { PolicyDocument, type PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct, IConstruct } from 'constructs';

import type { Config } from '../config/index.js';
import { type Arns, FUNCTIONS, type HelperMachine, MACHINES, type MachineName, Names, pascal } from '../names.js';
import { HOME } from '../package.js';
import { machineStatements } from '../permissions/machines.js';

/** What every stack is made of. */
export interface DeploymentProps extends StackProps {
  readonly config: Config;
}

/** A stack of a deployment. It names no account and no region: the credentials that deploy it decide both. */
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

  /** What becomes of data when the deployment is removed. */
  protected get removal(): RemovalPolicy {
    // "Except on create": a first deployment that fails takes its empty tables with it, and can be repeated.
    return this.config.removal_policy === 'retain' ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
  }

  /** A role for a service. Its policy stands in it, so that it has its permissions as soon as it exists. */
  protected role(id: string, service: string, description: string, statements: readonly PolicyStatement[]): Role {
    const principal = new ServicePrincipal(service);
    // Lambda and EC2 assume roles on behalf of what they run, and set no source.
    const confusable = service !== 'lambda.amazonaws.com' && service !== 'ec2.amazonaws.com';
    return new Role(this, id, {
      description,
      assumedBy: confusable
        ? principal.withConditions({ StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } })
        : principal,
      inlinePolicies: { own: new PolicyDocument({ statements: [...statements] }) },
    });
  }

  /** A log group of the machinery, which goes when the deployment goes. */
  protected logGroup(id: string, logGroupName: string, removalPolicy = RemovalPolicy.DESTROY): LogGroup {
    const days = this.config.log_retention;
    // CDK's enumeration of days has the days as its values, and "infinite" as 9999, which sets no property.
    const retention = (days === 'forever' ? 9999 : days) as RetentionDays;
    return new LogGroup(this, id, { logGroupName, retention, removalPolicy });
  }

  /** A machine from its definition, a path from `cdk-config/`. */
  protected machine(
    name: MachineName | HelperMachine,
    file: string,
    type: 'STANDARD' | 'EXPRESS' = 'STANDARD',
  ): CfnStateMachine {
    const id = pascal(name);
    const logs = this.logGroup(`${id}Logs`, this.names.machineLogs(name));
    const role = this.role(
      `${id}Role`,
      'states.amazonaws.com',
      `The machine ${this.names.machine(name)}`,
      machineStatements(name, this.names, this.arns),
    );
    this.explain(role, {
      'IAM5[Resource::*]':
        'Delivery of logs and traces knows no resources; PutMetricData has its namespace as a condition.',
      ...Object.fromEntries(
        (['sequential', 'parallel'] as const).map((child) => [
          `IAM5[Resource::arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:${this.names.machine(child)}:*]`,
          'Child executions have names of their own; only those of this machine.',
        ]),
      ),
    });
    const definition = readFileSync(resolve(HOME, file), 'utf8');
    const values: Record<string, string> = {
      Partition: Aws.PARTITION,
      JobAuditTable: this.names.tables.jobAudit,
      Metrics: this.names.metrics,
      ...Object.fromEntries(FUNCTIONS.map((one) => [`${pascal(one)}Arn`, this.arns.function(one)])),
      ...Object.fromEntries(MACHINES.map((one) => [`${pascal(one)}MachineArn`, this.arns.machine(one)])),
    };
    return new CfnStateMachine(this, `${id}Machine`, {
      stateMachineName: this.names.machine(name),
      stateMachineType: type,
      definitionString: definition,
      definitionSubstitutions: Object.fromEntries(
        placeholders(definition).map((one) => [one, given(values, one, file)]),
      ),
      roleArn: role.roleArn,
      // Without execution data: it holds task tokens.
      loggingConfiguration: {
        level: 'ALL',
        includeExecutionData: false,
        destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logs.logGroupArn } }],
      },
      tracingConfiguration: { enabled: true },
    });
  }

  /** Says why a finding of cdk-nag stays. */
  protected explain(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
    for (const [id, reason] of Object.entries(reasons)) {
      Validations.of(construct).acknowledge({ id: `AwsSolutions-${id}`, reason });
    }
  }
}

/** Names of the `${…}` of a definition, each once. */
export function placeholders(definition: string): string[] {
  return [...new Set([...definition.matchAll(/\$\{([^}]*)\}/g)].map((match) => match[1] ?? ''))].sort();
}

function given(values: Readonly<Record<string, string>>, placeholder: string, file: string): string {
  const value = values[placeholder];
  if (value === undefined)
    throw new Error(`${file} has the placeholder \${${placeholder}}, for which the deployment has no value`);
  return value;
}
