import { ArnFormat, Aws, CfnOutput, Duration } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, CfnEventInvokeConfig, Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { CfnResourcePolicy } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

import { TIMING } from '../config/index.js';
import { environment } from '../environment.js';
import { FUNCTIONS, type FunctionName, MACHINES, type MachineName, pascal } from '../names.js';
import { findPackage, refuseWithout } from '../package.js';
import { functionStatements } from '../permissions/functions.js';
import { allow } from '../permissions/statements.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/**
 * Time of the functions that nobody's heartbeat waits for: closing 10,000 rows takes a minute. The machines give up
 * a call after 960 s.
 */
const LONG_TIMEOUT = Duration.minutes(5);

const WHAT: Readonly<Record<FunctionName, string>> = {
  'workflow-trigger': 'Starts workflows',
  'master-iterator': 'Names the next chunk of a run',
  'sequential-iterator': 'Hands out a chunk of a sequential stage',
  'parallel-load-check': 'Judges a chunk of a parallel stage',
  'rsql-invoke': 'Sends a job to an instance',
  'update-audit': 'Closes a run',
  sweeper: 'Closes runs whose end nobody told',
};

/** What runs workflows: functions, machines, and the events that keep them honest. */
export class OrchestrationStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    const deadLetters = this.deadLetters();
    if (this.config.topic_arn === undefined) this.topic();
    this.functions(deadLetters);
    for (const name of MACHINES) this.machine(name, `../statemachines/${name}.asl.json`);
    const closer = this.machine('closer', 'machines/closer.asl.json');
    this.runEnded(closer, deadLetters);
    this.commandFailed(deadLetters);
    this.sweep();
    new CfnOutput(this, 'TriggerFunctionName', { value: this.names.function('workflow-trigger') });
    new CfnOutput(this, 'TopicArn', { value: this.arns.topic() });
  }

  /** What could not be delivered, from everywhere: a message's attributes say from where and why. */
  private deadLetters(): Queue {
    const queue = new Queue(this, 'DeadLetters', {
      queueName: this.names.deadLetters,
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    queue.addToResourcePolicy(
      new PolicyStatement({
        principals: [new ServicePrincipal('events.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.arns.deadLetters()],
        conditions: {
          ArnEquals: {
            'aws:SourceArn': [
              this.arns.rule(this.names.rule('run-ended')),
              this.arns.rule(this.names.rule('command-failed')),
              this.arns.rule(this.names.rule('agent-unhealthy')),
              ...this.config.event_starts.map(({ name, event_bus }) =>
                this.arns.rule(this.names.rule(`start-${name}`), event_bus),
              ),
            ],
          },
        },
      }),
    );
    this.explain(queue, { SQS3: 'It is the dead-letter queue.' });
    return queue;
  }

  private topic(): void {
    const topic = new Topic(this, 'Topic', { topicName: this.names.topic, displayName: 'rsqlflow', enforceSSL: true });
    // A policy of its own takes the place of the default one, by which alarms of the account may publish.
    topic.addToResourcePolicy(
      new PolicyStatement({
        sid: 'Alarms',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.arns.topic()],
        conditions: { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } },
      }),
    );
    if (this.config.email !== undefined) topic.addSubscription(new EmailSubscription(this.config.email));
  }

  private functions(deadLetters: Queue): void {
    const found = findPackage(this.config.lambda_zip);
    if (!found.isBuilt) refuseWithout(this, 'lambda_zip', this.config.lambda_zip);
    const code = Code.fromAsset(found.path);
    const variables = environment(this.config, this.names, this.arns);
    for (const name of FUNCTIONS) this.function(name, code, variables);
    // Schedules and events start workflows without waiting for the answer, so its refusal must not be lost.
    const retries = new CfnEventInvokeConfig(this, 'TriggerRetries', {
      functionName: this.names.function('workflow-trigger'),
      qualifier: '$LATEST',
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 3_600,
      destinationConfig: { onFailure: { destination: this.arns.deadLetters() } },
    });
    retries.node.addDependency(this.node.findChild('WorkflowTriggerFunction'), deadLetters);
  }

  private function(name: FunctionName, code: Code, variables: Record<string, string>): void {
    const id = pascal(name);
    const logGroup = this.logGroup(`${id}Logs`, this.names.functionLogs(name));
    const role = this.role(
      `${id}Role`,
      'lambda.amazonaws.com',
      `${WHAT[name]} (${this.names.prefix})`,
      functionStatements(name, this.config, this.names, this.arns),
    );
    this.explainFunctionRole(role, name);
    new LambdaFunction(this, `${id}Function`, {
      functionName: this.names.function(name),
      description: WHAT[name],
      runtime: Runtime.PROVIDED_AL2023,
      architecture: this.config.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      code,
      handler: name,
      // Without IAM policies of CDK's own: what a function may do stands in `permissions/`.
      role: role.withoutPolicyUpdates(),
      environment: variables,
      memorySize: 256,
      timeout: name === 'rsql-invoke' ? Duration.seconds(TIMING.lambdaTimeout) : LONG_TIMEOUT,
      logGroup,
    });
  }

  private explainFunctionRole(role: Role, name: FunctionName): void {
    const prefix = 'Resource::arn:<AWS::Partition>';
    const place = '<AWS::Region>:<AWS::AccountId>';
    const execution = (machine: MachineName): string =>
      `IAM5[${prefix}:states:${place}:execution:${this.names.machine(machine)}:*]`;
    const children = 'Executions have names of their own; only those of this machine.';
    this.explain(role, {
      [`IAM5[${prefix}:logs:${place}:log-group:${this.names.functionLogs(name)}:*]`]:
        "The streams of the function's own log group.",
      ...(name === 'workflow-trigger' || name === 'sweeper' ? { [execution('master')]: children } : {}),
      ...(name === 'workflow-trigger' || name === 'update-audit' || name === 'sweeper'
        ? { [execution('sequential')]: children, [execution('parallel')]: children }
        : {}),
      ...(name === 'rsql-invoke'
        ? {
            'IAM5[Resource::*]': 'DescribeInstanceInformation knows no resources.',
            [`IAM5[${prefix}:ec2:${place}:instance/*]`]:
              "Only instances with the target's tags: the statement has their condition.",
            [`IAM5[${prefix}:ssm:${place}:managed-instance/*]`]:
              "Only nodes with the target's tags: the statement has their condition.",
          }
        : {}),
    });
  }

  /** A master that is over may have left rows, children and a lock behind. */
  private runEnded(closer: CfnStateMachine, deadLetters: Queue): void {
    const role = this.role('RunEndedRole', 'events.amazonaws.com', `Starts ${this.names.machine('closer')}`, [
      allow(['states:StartExecution'], this.arns.machine('closer')),
    ]);
    const rule = new CfnRule(this, 'RunEnded', {
      name: this.names.rule('run-ended'),
      description: 'Closes runs whose master execution did not succeed',
      eventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        // A master succeeds only after its last state has closed the run.
        detail: { stateMachineArn: [this.arns.machine('master')], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      targets: [
        {
          id: 'closer',
          arn: this.arns.machine('closer'),
          roleArn: role.roleArn,
          retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
          deadLetterConfig: { arn: this.arns.deadLetters() },
        },
      ],
    });
    rule.node.addDependency(closer, deadLetters);
  }

  /** Events of an end are sent as best effort (Step Functions developer guide, "Event delivery"): some may be lost. */
  private sweep(): void {
    const role = this.role('SweepRole', 'scheduler.amazonaws.com', `Sweeps runs (${this.names.prefix})`, [
      allow(['lambda:InvokeFunction'], this.arns.function('sweeper')),
    ]);
    const minutes = this.config.sweep_every / 60;
    const schedule = new CfnSchedule(this, 'Sweep', {
      name: this.names.function('sweeper'),
      description: 'Closes runs whose end nobody told',
      scheduleExpression: `rate(${minutes} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      // The next sweep does what this one did not.
      target: {
        arn: this.arns.function('sweeper'),
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumRetryAttempts: 0 },
      },
    });
    schedule.node.addDependency(this.node.findChild('SweeperFunction'));
  }

  /** Keeps what SSM says of commands that did not do their work, for who looks into it. */
  private commandFailed(deadLetters: Queue): void {
    const name = this.names.eventLogs();
    const logs = this.logGroup('EventLogs', name);
    const policy = new CfnResourcePolicy(this, 'EventLogsPolicy', {
      policyName: `${this.names.prefix}-events`,
      policyDocument: this.toJsonString({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: ['events.amazonaws.com', 'delivery.logs.amazonaws.com'] },
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: this.arns.logStreams(name),
          },
        ],
      }),
    });
    const retryPolicy = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };
    const deadLetterConfig = { arn: this.arns.deadLetters() };
    const target = {
      id: 'logs',
      arn: this.formatArn({
        service: 'logs',
        resource: 'log-group',
        resourceName: name,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      retryPolicy,
      deadLetterConfig,
    };
    const rules = [
      new CfnRule(this, 'CommandFailed', {
        name: this.names.rule('command-failed'),
        description: 'Commands that started no agent',
        eventPattern: {
          source: ['aws.ssm'],
          'detail-type': ['EC2 Command Invocation Status-change Notification'],
          detail: { 'document-name': [this.names.runJob], status: ['Failed', 'TimedOut', 'Cancelled'] },
        },
        targets: [target],
      }),
      new CfnRule(this, 'AgentUnhealthy', {
        name: this.names.rule('agent-unhealthy'),
        description: 'Instances without a healthy agent',
        eventPattern: {
          source: ['aws.ssm'],
          'detail-type': ['EC2 State Manager Instance Association State Change'],
          detail: { 'document-name': [this.names.installAgent, this.names.checkAgent], status: ['Failed', 'TimedOut'] },
        },
        targets: [target],
      }),
    ];
    for (const rule of rules) rule.node.addDependency(logs, policy, deadLetters);
  }
}
