import { ArnFormat, Aws, CfnOutput, Duration } from 'aws-cdk-lib';
import { CfnRule } from 'aws-cdk-lib/aws-events';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import {
  Architecture,
  CfnEventInvokeConfig,
  CfnPermission,
  Code,
  Function as LambdaFunction,
  Runtime,
} from 'aws-cdk-lib/aws-lambda';
import { CfnResourcePolicy } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

import { CONTRACT, type FunctionFacts, MACHINES } from '../contract.js';
import { environment } from '../environment.js';
import { pascal } from '../names.js';
import { findPackage, refuseWithout } from '../package.js';
import { roleOf, roleStatements } from '../permissions/functions.js';
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
    this.clock(deadLetters);
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
              this.arns.rule(this.names.rule('tick')),
              this.arns.rule(this.names.rule('statement-ended')),
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
    const roles = new Map<string, Role>();
    for (const { handler, description } of CONTRACT.functions.filter((one) => roleOf(one.handler) === one.handler)) {
      const statements = roleStatements(handler, this.config, this.names, this.arns);
      const role = this.role(
        `${pascal(handler)}Role`,
        'lambda.amazonaws.com',
        `${description} (${this.names.prefix})`,
        statements,
      );
      this.explainFunctionRole(role, handler);
      roles.set(handler, role);
    }
    for (const one of CONTRACT.functions) this.function(one, code, variables, roles.get(roleOf(one.handler)));
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

  private function(
    { handler, description, timeout_seconds }: FunctionFacts,
    code: Code,
    variables: Record<string, string>,
    role: Role | undefined,
  ): void {
    if (role === undefined) throw new Error(`the function ${handler} has no role`);
    const id = pascal(handler);
    const logGroup = this.logGroup(`${id}Logs`, this.names.functionLogs(handler));
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
      timeout: Duration.seconds(timeout_seconds),
      logGroup,
    });
  }

  private explainFunctionRole(role: Role, ofRole: string): void {
    const prefix = 'Resource::arn:<AWS::Partition>';
    const place = '<AWS::Region>:<AWS::AccountId>';
    const reasons: Record<string, string> = {};
    const functions = CONTRACT.functions.filter(({ handler }) => roleOf(handler) === ofRole);
    for (const { handler } of functions)
      reasons[`IAM5[${prefix}:logs:${place}:log-group:${this.names.functionLogs(handler)}:*]`] =
        'The streams of the log group of the function.';
    for (const { on } of functions.flatMap(({ permissions }) => permissions)) {
      if (on === 'anything') reasons['IAM5[Resource::*]'] = 'These actions support no resources.';
      else if (on === 'targets') {
        reasons[`IAM5[${prefix}:ec2:${place}:instance/*]`] =
          'Only instances with the tags of the target: the statement has a condition.';
        reasons[`IAM5[${prefix}:ssm:${place}:managed-instance/*]`] =
          'Only nodes with the tags of the target: the statement has a condition.';
      } else if (on === 'log_group') {
        reasons[`IAM5[${prefix}:logs:${place}:log-group:${this.config.log_group}:*]`] =
          'The streams of the log group of jobs.';
      } else if (on === 'warehouses') {
        const all = Object.values(this.config.warehouses);
        if (all.some(({ workgroup, workgroup_id }) => workgroup !== undefined && workgroup_id === undefined))
          reasons[`IAM5[${prefix}:redshift-serverless:${place}:workgroup/*]`] =
            'The ARN of a workgroup has its id, which the setting workgroup_id names.';
        for (const { secret } of all)
          if (secret !== undefined && !secret.startsWith('arn:'))
            reasons[`IAM5[${prefix}:secretsmanager:${place}:secret:${secret}-??????]`] =
              'Secrets Manager adds six random characters to the name of a secret.';
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

  /**
   * Invokes the clock every minute, and when a statement of the Redshift Data API has ended. Both are hints: the next
   * invocation does what this one could not.
   */
  private clock(deadLetters: Queue): void {
    const clock = this.node.findChild('ClockFunction');
    const retries = new CfnEventInvokeConfig(this, 'ClockRetries', {
      functionName: this.names.function('clock'),
      qualifier: '$LATEST',
      maximumRetryAttempts: 0,
      maximumEventAgeInSeconds: 60,
    });
    retries.node.addDependency(clock);
    const target = {
      id: 'clock',
      arn: this.arns.function('clock'),
      retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 1 },
      deadLetterConfig: { arn: this.arns.deadLetters() },
    };
    const rules = {
      tick: new CfnRule(this, 'Tick', {
        name: this.names.rule('tick'),
        description: 'Invokes the clock every minute',
        scheduleExpression: 'rate(1 minute)',
        targets: [{ ...target, input: '{}' }],
      }),
      'statement-ended': new CfnRule(this, 'StatementEnded', {
        name: this.names.rule('statement-ended'),
        description: 'Tells the clock that a statement has ended',
        eventPattern: {
          source: ['aws.redshift-data'],
          'detail-type': ['Redshift Data Statement Status Change'],
        },
        targets: [target],
      }),
    } as const;
    for (const [name, rule] of Object.entries(rules)) {
      rule.node.addDependency(clock, deadLetters);
      const permission = new CfnPermission(this, `${pascal(name)}Permission`, {
        action: 'lambda:InvokeFunction',
        functionName: this.names.function('clock'),
        principal: 'events.amazonaws.com',
        sourceArn: this.arns.rule(this.names.rule(name as keyof typeof rules)),
      });
      permission.node.addDependency(clock);
    }
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
