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

import { CONTRACT, type FunctionFacts, MACHINES } from '../contract.js';
import { environment } from '../environment.js';
import { pascal } from '../names.js';
import { findPackage, refuseWithout } from '../package.js';
import { functionStatements } from '../permissions/functions.js';
import { allow } from '../permissions/statements.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** Delivery attempts of EventBridge: its default, a day. */
const RETRY_POLICY = { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 };

/** What runs workflows: functions, state machines, and the rules and schedules that close runs. */
export class OrchestrationStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    const deadLetters = this.deadLetters();
    if (this.config.topic_arn === undefined) this.topic();
    this.functions(deadLetters);
    for (const name of MACHINES) this.machine(name);
    const closer = this.machine('closer');
    this.runEnded(closer, deadLetters);
    this.commandFailed(deadLetters);
    this.sweep();
    new CfnOutput(this, 'TriggerFunctionName', { value: this.names.function('workflow-trigger') });
    new CfnOutput(this, 'TopicArn', { value: this.arns.topic() });
  }

  /** The queue of events and invocations that could not be delivered. Message attributes name the source and the reason. */
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
    // This policy replaces the default one, which allows alarms of the account to publish.
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
    for (const one of CONTRACT.functions) this.function(one, code, variables);
    // Schedules and events invoke the function asynchronously, so a failed invocation must not be lost.
    const retries = new CfnEventInvokeConfig(this, 'TriggerRetries', {
      functionName: this.names.function('workflow-trigger'),
      qualifier: '$LATEST',
      maximumRetryAttempts: 2,
      maximumEventAgeInSeconds: 3_600,
      destinationConfig: { onFailure: { destination: this.arns.deadLetters() } },
    });
    retries.node.addDependency(this.node.findChild('WorkflowTriggerFunction'), deadLetters);
  }

  private function(facts: FunctionFacts, code: Code, variables: Record<string, string>): void {
    const { handler, description } = facts;
    const id = pascal(handler);
    const logGroup = this.logGroup(`${id}Logs`, this.names.functionLogs(handler));
    const role = this.role(
      `${id}Role`,
      'lambda.amazonaws.com',
      `${description} (${this.names.prefix})`,
      functionStatements(facts, this.config, this.names, this.arns),
    );
    this.explainFunctionRole(role, facts);
    new LambdaFunction(this, `${id}Function`, {
      functionName: this.names.function(handler),
      description,
      runtime: Runtime.PROVIDED_AL2023,
      architecture: this.config.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
      code,
      handler,
      // Without policies that CDK adds: `permissions/` has all permissions.
      role: role.withoutPolicyUpdates(),
      environment: variables,
      memorySize: 256,
      timeout: Duration.seconds(facts.timeout_seconds),
      logGroup,
    });
  }

  private explainFunctionRole(role: Role, { handler, permissions }: FunctionFacts): void {
    const prefix = 'Resource::arn:<AWS::Partition>';
    const place = '<AWS::Region>:<AWS::AccountId>';
    const reasons: Record<string, string> = {
      [`IAM5[${prefix}:logs:${place}:log-group:${this.names.functionLogs(handler)}:*]`]:
        'The streams of the log group of the function.',
    };
    for (const { on } of permissions) {
      if (on === 'anything') reasons['IAM5[Resource::*]'] = 'These actions support no resources.';
      else if (on === 'targets') {
        reasons[`IAM5[${prefix}:ec2:${place}:instance/*]`] =
          'Only instances with the tags of the target: the statement has a condition.';
        reasons[`IAM5[${prefix}:ssm:${place}:managed-instance/*]`] =
          'Only nodes with the tags of the target: the statement has a condition.';
      } else if (typeof on === 'object' && 'executions' in on) {
        for (const name of on.executions)
          reasons[`IAM5[${prefix}:states:${place}:execution:${this.names.machine(name)}:*]`] =
            'Each execution has its own name. Only executions of this state machine are allowed.';
      }
    }
    this.explain(role, reasons);
  }

  /** A master execution that did not succeed may leave open rows, child executions and a lock. */
  private runEnded(closer: CfnStateMachine, deadLetters: Queue): void {
    const role = this.role('RunEndedRole', 'events.amazonaws.com', `Starts ${this.names.machine('closer')}`, [
      allow(['states:StartExecution'], this.arns.machine('closer')),
    ]);
    const rule = new CfnRule(this, 'RunEnded', {
      name: this.names.rule('run-ended'),
      description: 'Closes runs whose master execution did not succeed',
      eventPattern: {
        source: ['aws.states'],
        'detail-type': [CONTRACT.run_ended.detail_type],
        detail: { stateMachineArn: [this.arns.machine('master')], status: CONTRACT.run_ended.statuses },
      },
      targets: [
        {
          id: 'closer',
          arn: this.arns.machine('closer'),
          roleArn: role.roleArn,
          retryPolicy: RETRY_POLICY,
          deadLetterConfig: { arn: this.arns.deadLetters() },
        },
      ],
    });
    rule.node.addDependency(closer, deadLetters);
  }

  /** Step Functions sends events of an end as best effort (developer guide, "Event delivery"), so some may be lost. */
  private sweep(): void {
    const role = this.role('SweepRole', 'scheduler.amazonaws.com', `Invokes the sweeper (${this.names.prefix})`, [
      allow(['lambda:InvokeFunction'], this.arns.function('sweeper')),
    ]);
    const minutes = this.config.sweep_every / 60;
    const schedule = new CfnSchedule(this, 'Sweep', {
      name: this.names.function('sweeper'),
      description: 'Closes runs that ended without being closed',
      scheduleExpression: `rate(${minutes} minutes)`,
      flexibleTimeWindow: { mode: 'OFF' },
      // The next invocation does what this one could not.
      target: {
        arn: this.arns.function('sweeper'),
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumRetryAttempts: 0 },
      },
    });
    schedule.node.addDependency(this.node.findChild('SweeperFunction'));
  }

  /** Keeps the events of failed commands and associations. */
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
    const deadLetterConfig = { arn: this.arns.deadLetters() };
    const target = {
      id: 'logs',
      arn: this.formatArn({
        service: 'logs',
        resource: 'log-group',
        resourceName: name,
        arnFormat: ArnFormat.COLON_RESOURCE_NAME,
      }),
      retryPolicy: RETRY_POLICY,
      deadLetterConfig,
    };
    const rules = [
      new CfnRule(this, 'CommandFailed', {
        name: this.names.rule('command-failed'),
        description: 'Commands that did not start an agent',
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
