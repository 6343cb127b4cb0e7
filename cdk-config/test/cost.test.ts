/** The idle cost of a deployment: prices of us-east-1, in USD a month, without any free tier. */
import { expect, test } from 'vitest';

import { VARIANTS, app, repository } from './support.js';

const MONTH = 30 * 24 * 60;

/** Resources that cost nothing while idle: they are billed by the request, by the byte, or not at all. */
const FREE = [
  'AWS::CDK::Metadata',
  'AWS::DynamoDB::Table',
  'AWS::IAM::InstanceProfile',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Function',
  'AWS::Lambda::Permission',
  'AWS::Logs::LogGroup',
  'AWS::Logs::ResourcePolicy',
  'AWS::SNS::Topic',
  'AWS::SNS::TopicPolicy',
  'AWS::SQS::Queue',
  'AWS::SQS::QueuePolicy',
  'AWS::SSM::Document',
  'AWS::Scheduler::ScheduleGroup',
  'AWS::StepFunctions::StateMachine',
];

/** An execution of `watch`: the request, half a second of 64 MB, 4 KB of log, a trace. */
const WATCH = 1e-6 + 0.5 * 0.0625 * 1.667e-5 + 4e-6 * 0.5 + 5e-6;

/** An invocation of `clock` with nothing to do: the request, 0.1 s of 256 MB, 0.5 KB of log, three queries. */
const CLOCK = 0.2e-6 + 0.1 * 0.25 * 1.6667e-5 + 0.5e-6 * 0.5 + 1.5 * 0.125e-6;

type Properties = Record<string, unknown>;

/** The cost of a resource for a month. An unknown type is an error. */
function month(type: string, properties: Properties): number {
  switch (type) {
    case 'AWS::CloudWatch::Alarm':
      return 0.1;
    // Three dashboards with at most 50 metrics each are free in every account.
    case 'AWS::CloudWatch::Dashboard':
    // Metrics are billed for hours with data. State Manager is free on EC2.
    case 'AWS::Logs::MetricFilter':
    case 'AWS::SSM::Association':
      return 0;
    case 'AWS::Scheduler::Schedule': {
      const minutes = Number(/^rate\((\d+) minutes\)$/.exec(String(properties['ScheduleExpression']))?.[1]);
      return (MONTH / minutes) * WATCH;
    }
    // A schedule of a rule is free, as are events of AWS services.
    case 'AWS::Events::Rule':
      return properties['ScheduleExpression'] === 'rate(1 minute)' ? MONTH * CLOCK : 0;
    default:
      if (!FREE.includes(type)) throw new Error(`the cost of ${type} is unknown`);
      return 0;
  }
}

function idle(given?: object): number {
  return app(given)
    .synth()
    .stacks.flatMap(({ template }) =>
      Object.values((template as { Resources: Record<string, { Type: string; Properties?: Properties }> }).Resources),
    )
    .reduce((sum, { Type, Properties = {} }) => sum + month(Type, Properties), 0);
}

test('the idle cost is below 1.20 dollars a month, as documented', () => {
  const dollars = idle();
  expect(dollars).toBeLessThan(1.2);
  expect(repository('docs/deploy.md')).toContain(`${dollars.toFixed(2)} USD`);
});

test('without alarms the idle cost is below five cents', () => {
  expect(idle({ alarms: false })).toBeLessThan(0.05);
});

test('encryption uses keys that cost nothing', () => {
  for (const variant of Object.values(VARIANTS)) {
    for (const { template } of app(variant).synth().stacks)
      expect(JSON.stringify(template)).not.toContain('"AWS::KMS::Key"');
  }
});
