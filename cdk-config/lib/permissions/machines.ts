import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import { FUNCTIONS, MACHINES } from '../contract.js';
import { type Arns, type Names, pascal } from '../names.js';
import { allow } from './statements.js';

/** What a state machine's role allows: what its definition calls, and to deliver logs and traces. */
export function machineStatements(name: string, definition: string, names: Names, arns: Arns): PolicyStatement[] {
  return [...called(definition, arns), ...(name === 'watch' ? measuring(names, arns) : []), ...logging(), ...tracing()];
}

/** The functions that a definition invokes and the state machines that it starts, by their placeholders. */
function called(definition: string, arns: Arns): PolicyStatement[] {
  const names = (field: string): Set<string> =>
    new Set([...definition.matchAll(new RegExp(`"${field}": "\\$\\{(\\w+)\\}"`, 'g'))].map((match) => match[1] ?? ''));
  const functions = FUNCTIONS.filter((handler) => names('FunctionName').has(`${pascal(handler)}Arn`));
  const children = MACHINES.filter((machine) => names('StateMachineArn').has(`${pascal(machine)}MachineArn`));
  return [
    ...(functions.length === 0
      ? []
      : [allow(['lambda:InvokeFunction'], ...functions.map((handler) => arns.function(handler)))]),
    ...(children.length === 0
      ? []
      : [
          allow(['states:StartExecution'], ...children.map((child) => arns.machine(child))),
          // startExecution.sync waits for an event of EventBridge, then describes the child, and stops it if the parent
          // is stopped (Step Functions developer guide, "IAM policies for calling Step Functions").
          allow(
            ['states:DescribeExecution', 'states:StopExecution'],
            ...children.map((child) => arns.executions(child)),
          ),
          allow(
            ['events:PutTargets', 'events:PutRule', 'events:DescribeRule'],
            arns.rule('StepFunctionsGetEventsForStepFunctionsExecutionRule'),
          ),
        ]),
  ];
}

/** The state machine `watch` calls the SDK, whose parameters are expressions. */
function measuring(names: Names, arns: Arns): PolicyStatement[] {
  return [
    allow(['states:ListExecutions'], arns.machine('master')),
    allow(['dynamodb:Query'], arns.table('job_audit')),
    new PolicyStatement({
      actions: ['cloudwatch:PutMetricData'],
      resources: ['*'],
      conditions: { StringEquals: { 'cloudwatch:namespace': names.metrics } },
    }),
  ];
}

/** Log delivery supports no resources (Step Functions developer guide, "Logging using CloudWatch Logs"). */
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

/** X-Ray supports no resources (X-Ray developer guide, "Identity and access management"). */
function tracing(): PolicyStatement[] {
  return [
    allow(
      ['xray:PutTraceSegments', 'xray:PutTelemetryRecords', 'xray:GetSamplingRules', 'xray:GetSamplingTargets'],
      '*',
    ),
  ];
}
