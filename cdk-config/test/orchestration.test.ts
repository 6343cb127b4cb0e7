import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';

import { FUNCTIONS } from '../lib/contract.js';
import { findPackage } from '../lib/package.js';
import { EVERYTHING, VARIANTS, app, flat, repository, resources, template } from './support.js';

describe('functions', () => {
  const functions = resources(template('orchestration'), 'AWS::Lambda::Function');

  test('are one package, which takes its handler by name', () => {
    expect(functions.map(({ Properties }) => Properties['Handler'])).toEqual(FUNCTIONS);
    expect(new Set(functions.map(({ Properties }) => JSON.stringify(Properties['Code']))).size).toBe(1);
    expect(functions.every(({ Properties }) => Properties['Runtime'] === 'provided.al2023')).toBe(true);
  });

  test('the launcher ends within the heartbeat that it is counted in, and no function outlives the call of a machine', () => {
    const timeouts = Object.fromEntries(
      functions.map(({ Properties }) => [Properties['Handler'], Properties['Timeout']]),
    );
    expect(timeouts).toEqual({
      'workflow-trigger': 300,
      'master-iterator': 300,
      'sequential-iterator': 300,
      'parallel-load-check': 300,
      'rsql-invoke': 20,
      'update-audit': 300,
      sweeper: 300,
    });
    for (const machine of ['master', 'sequential', 'parallel']) {
      for (const [, seconds] of repository(`statemachines/${machine}.asl.json`).matchAll(/"TimeoutSeconds": (\d+)/g))
        expect(Number(seconds)).toBeGreaterThan(300);
    }
  });

  test('have log groups of their own, made before them', () => {
    const groups = resources(template('orchestration'), 'AWS::Logs::LogGroup').map(
      ({ Properties }) => Properties['LogGroupName'],
    );
    for (const { Properties } of functions)
      expect(groups).toContain(`/aws/lambda/${String(Properties['FunctionName'])}`);
  });

  test('are built for the processor that is configured', () => {
    template('orchestration', VARIANTS['existing']).allResourcesProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
    });
    template('orchestration').allResourcesProperties('AWS::Lambda::Function', { Architectures: ['x86_64'] });
  });

  test('a start that nobody waits for and that fails is kept', () => {
    template('orchestration').hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });
});

describe('a package that is not built', () => {
  const missing = { lambda_zip: '../target/nowhere/lambda.zip' };

  test('is said with its mend, and lets CloudFormation refuse the template', () => {
    expect(findPackage(missing.lambda_zip).isBuilt).toBe(false);
    const rules = template('orchestration', missing).toJSON()['Rules'] as Record<string, { Assertions: unknown[] }>;
    expect(rules['HasLambdaZip']?.Assertions).toEqual([
      {
        Assert: { 'Fn::Equals': ['built', 'missing'] },
        AssertDescription: expect.stringContaining('run `make package`') as string,
      },
    ]);
  });

  test('is no matter when it is there', () => {
    const rules = Object.keys((template('orchestration').toJSON()['Rules'] ?? {}) as object);
    expect(rules).not.toContain('HasLambdaZip');
  });
});

describe('the event of the end of a master', () => {
  test('starts the closer, for a day, and is kept if that fails', () => {
    template('orchestration').hasResourceProperties('AWS::Events::Rule', {
      Name: 'rsqlflow-run-ended',
      EventPattern: {
        source: ['aws.states'],
        'detail-type': ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [Match.anyValue()], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      Targets: [
        {
          RetryPolicy: { MaximumEventAgeInSeconds: 86_400, MaximumRetryAttempts: 185 },
          DeadLetterConfig: { Arn: Match.anyValue() },
          RoleArn: Match.anyValue(),
        },
      ],
    });
    const rule = resources(template('orchestration'), 'AWS::Events::Rule').find(
      ({ Properties }) => Properties['Name'] === 'rsqlflow-run-ended',
    );
    const [target] = rule?.Properties['Targets'] as { Arn: unknown }[];
    expect(flat(target?.Arn)).toMatch(/stateMachine:rsqlflow-closer$/);
    // The closer's own end must not start it again.
    const { detail } = rule?.Properties['EventPattern'] as { detail: { stateMachineArn: unknown[] } };
    expect(flat(detail.stateMachineArn)).toMatch(/stateMachine:rsqlflow-master$/);
  });
});

describe('the sweeper', () => {
  const sweep = (given?: object) =>
    resources(template('orchestration', given), 'AWS::Scheduler::Schedule').map(({ Properties }) => Properties);

  test('comes every hour, or as often as it is told', () => {
    expect(sweep()).toMatchObject([{ Name: 'rsqlflow-sweeper', ScheduleExpression: 'rate(60 minutes)' }]);
    expect(sweep(EVERYTHING)).toMatchObject([{ Name: 'team-sweeper', ScheduleExpression: 'rate(360 minutes)' }]);
  });

  test('is asked what it takes', () => {
    const target = sweep()[0]?.['Target'] as { Arn: unknown; Input: string };
    expect(flat(target.Arn)).toMatch(/function:rsqlflow-sweeper$/);
    expect(target.Input).toBe('{}');
  });
});

test('every rule has a dead-letter queue and a retry policy', () => {
  for (const { Properties } of resources(template('orchestration'), 'AWS::Events::Rule')) {
    for (const target of Properties['Targets'] as object[])
      expect(target).toMatchObject({
        RetryPolicy: expect.anything() as unknown,
        DeadLetterConfig: expect.anything() as unknown,
      });
  }
});

test('the dead-letter queue takes messages of our rules only', () => {
  const [policy] = resources(template('orchestration'), 'AWS::SQS::QueuePolicy');
  const text = JSON.stringify(policy?.Properties);
  for (const rule of ['run-ended', 'command-failed', 'agent-unhealthy'])
    expect(text).toContain(`rule/rsqlflow-${rule}`);
  expect(text).toContain('aws:SecureTransport');
  const started = JSON.stringify(resources(template('orchestration', EVERYTHING), 'AWS::SQS::QueuePolicy'));
  for (const rule of ['team-start-arrivals', 'shop/team-start-orders'])
    expect(started).toContain(`rule/${rule}"`.slice(0, -1));
});

test('a topic is made only where none is given, and an address subscribes to it', () => {
  template('orchestration', VARIANTS['existing']).resourceCountIs('AWS::SNS::Topic', 0);
  template('orchestration', EVERYTHING).hasResourceProperties('AWS::SNS::Subscription', {
    Protocol: 'email',
    Endpoint: 'etl@example.com',
  });
  template('orchestration').resourceCountIs('AWS::SNS::Subscription', 0);
});

test('a permissions boundary is on every role', () => {
  for (const stack of ['orchestration', 'schedules'] as const) {
    template(stack, VARIANTS['existing']).allResourcesProperties('AWS::IAM::Role', {
      PermissionsBoundary: 'arn:aws:iam::123456789012:policy/boundary',
    });
  }
});

test('no stack needs what another exports, and none is tied to an account or a region', () => {
  for (const variant of Object.values(VARIANTS)) {
    for (const { template: made, environment } of app(variant).synth().stacks) {
      expect(JSON.stringify(made)).not.toContain('Fn::ImportValue');
      expect([environment.account, environment.region]).toEqual(['unknown-account', 'unknown-region']);
    }
  }
});
