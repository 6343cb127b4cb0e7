import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { Arns, HelperMachine, MachineName, Names } from '../names.js';
import { allow, items } from './statements.js';

/**
 * What each machine calls. A definition in States Language gets nothing from CDK, so everything stands here; a test
 * holds it to the definitions.
 */
export function machineStatements(name: MachineName | HelperMachine, names: Names, arns: Arns): PolicyStatement[] {
  return [...own(name, names, arns), ...logging(), ...tracing()];
}

function own(name: MachineName | HelperMachine, names: Names, arns: Arns): PolicyStatement[] {
  const call = 'lambda:InvokeFunction';
  switch (name) {
    case 'master':
      return [
        allow([call], arns.function('master-iterator'), arns.function('update-audit')),
        allow(['states:StartExecution'], arns.machine('sequential'), arns.machine('parallel')),
        // startExecution.sync waits by an event of EventBridge, looks when it comes, and stops the child when the
        // master is stopped (Step Functions developer guide, "IAM policies for calling Step Functions").
        allow(
          ['states:DescribeExecution', 'states:StopExecution'],
          arns.executions('sequential'),
          arns.executions('parallel'),
        ),
        allow(
          ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
          arns.rule('StepFunctionsGetEventsForStepFunctionsExecutionRule'),
        ),
      ];
    case 'sequential':
      return [allow([call], arns.function('sequential-iterator'), arns.function('rsql-invoke'))];
    case 'parallel':
      return [allow([call], arns.function('rsql-invoke'), arns.function('parallel-load-check'))];
    case 'closer':
      return [allow([call], arns.function('update-audit'))];
    case 'watch':
      return [
        allow(['states:ListExecutions'], arns.machine('master')),
        items(arns.table('jobAudit'), 'Query'),
        new PolicyStatement({
          actions: ['cloudwatch:PutMetricData'],
          resources: ['*'],
          conditions: { StringEquals: { 'cloudwatch:namespace': names.metrics } },
        }),
      ];
  }
}

/** Delivery of logs knows no resources (Step Functions developer guide, "Logging using CloudWatch Logs"). */
function logging(): PolicyStatement[] {
  return [
    allow(
      [
        'logs:CreateLogDelivery',
        'logs:GetLogDelivery',
        'logs:UpdateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:DescribeResourcePolicies',
        'logs:DescribeLogGroups',
      ],
      '*',
    ),
  ];
}

/** Nor does X-Ray (X-Ray developer guide, "Identity and access management"). */
function tracing(): PolicyStatement[] {
  return [
    allow(
      ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
      '*',
    ),
  ];
}
