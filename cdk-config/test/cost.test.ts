/** What a deployment costs while nobody uses it: prices of us-east-1, in USD a month, without any free tier. */
import { expect, test } from 'vitest';

import { VARIANTS, app, repository } from './support.js';

const MONTH = 30 * 24 * 60;

/** Nothing while idle: billed by the request, by the byte, or not at all. */
const FREE = [
  'AWS::CDK::Metadata',
  'AWS::DynamoDB::Table',
  'AWS::Events::Rule',
  'AWS::IAM::InstanceProfile',
  'AWS::IAM::ManagedPolicy',
  'AWS::IAM::Role',
  'AWS::Lambda::EventInvokeConfig',
  'AWS::Lambda::Function',
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

/** A run of the watch: the request, half a second of 64 MB, 4 KB of log, a trace. */
const WATCH = 1e-6 + 0.5 * 0.0625 * 1.667e-5 + 4e-6 * 0.5 + 5e-6;

/** A sweep of an empty table: the request, 0.1 s of 256 MB, 2 KB of log, a read. */
const SWEEP = 0.2e-6 + 0.1 * 0.25 * 1.6667e-5 + 2e-6 * 0.5 + 0.125e-6;

type Properties = Record<string, unknown>;

/** A month of a resource. A kind of which nothing is known here is not taken for free. */
function month(type: string, properties: Properties): number {
  switch (type) {
    case 'AWS::CloudWatch::Alarm':
      return 0.1;
    // Three are free in every account, each of at most 50 metrics; this one takes their place only once.
    case 'AWS::CloudWatch::Dashboard':
    // Metrics cost in hours in which they are told, and State Manager costs nothing on EC2.
    case 'AWS::Logs::MetricFilter':
    case 'AWS::SSM::Association':
      return 0;
    case 'AWS::Scheduler::Schedule': {
      const minutes = Number(/^rate\((\d+) minutes\)$/.exec(String(properties['ScheduleExpression']))?.[1]);
      return (MONTH / minutes) * (String(properties['Name']).endsWith('-watch') ? WATCH : SWEEP);
    }
    default:
      if (!FREE.includes(type)) throw new Error(`what ${type} costs is not known`);
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

test('idle it costs less than a dollar a month, as the documentation says', () => {
  const dollars = idle();
  expect(dollars).toBeLessThan(1);
  expect(repository('docs/deploy.md')).toContain(`${dollars.toFixed(2)} USD`);
});

test('without alarms it costs nothing worth telling', () => {
  expect(idle({ alarms: false })).toBeLessThan(0.01);
});

test('encryption is by keys that cost nothing', () => {
  for (const variant of Object.values(VARIANTS)) {
    for (const { template } of app(variant).synth().stacks)
      expect(JSON.stringify(template)).not.toContain('"AWS::KMS::Key"');
  }
});
