import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';

import { FUNCTIONS } from '../lib/contract.js';
import { findPackage } from '../lib/package.js';
import { EVERYTHING, VARIANTS, app, flat, repository, resources, template } from './support.js';

describe('functions', () => {
  const functions = resources(template('orchestration'), 'AWS::Lambda::Function');

  test('share one package, which selects the handler by name', () => {
    expect(functions.map(({ Properties }) => Properties['Handler'])).toEqual(FUNCTIONS);
    expect(new Set(functions.map(({ Properties }) => JSON.stringify(Properties['Code']))).size).toBe(1);
    expect(functions.every(({ Properties }) => Properties['Runtime'] === 'provided.al2023')).toBe(true);
  });

  test('no function runs longer than the state that calls it waits', () => {
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
      clock: 120,
    });
    for (const machine of ['master', 'sequential', 'parallel']) {
      for (const [, seconds] of repository(`statemachines/${machine}.asl.json`).matchAll(/"TimeoutSeconds": (\d+)/g))
        expect(Number(seconds)).toBeGreaterThan(300);
    }
  });

  test('have log groups of their own', () => {
    const groups = resources(template('orchestration'), 'AWS::Logs::LogGroup').map(
      ({ Properties }) => Properties['LogGroupName'],
    );
    for (const { Properties } of functions)
      expect(groups).toContain(`/aws/lambda/${String(Properties['FunctionName'])}`);
  });

  test('have the configured architecture', () => {
    template('orchestration', VARIANTS['existing']).allResourcesProperties('AWS::Lambda::Function', {
      Architectures: ['arm64'],
    });
    template('orchestration').allResourcesProperties('AWS::Lambda::Function', { Architectures: ['x86_64'] });
  });

  test('a failed asynchronous start goes to the dead-letter queue', () => {
    template('orchestration').hasResourceProperties('AWS::Lambda::EventInvokeConfig', {
      MaximumRetryAttempts: 2,
      DestinationConfig: { OnFailure: { Destination: Match.anyValue() } },
    });
  });
});

describe('a package that is not built', () => {
  const missing = { lambda_zip: '../target/nowhere/lambda.zip' };

  test('is reported with a hint, and CloudFormation refuses the template', () => {
    expect(findPackage(missing.lambda_zip).isBuilt).toBe(false);
    const rules = template('orchestration', missing).toJSON()['Rules'] as Record<string, { Assertions: unknown[] }>;
    expect(rules['HasLambdaZip']?.Assertions).toEqual([
      {
        Assert: { 'Fn::Equals': ['built', 'missing'] },
        AssertDescription: expect.stringContaining('run `make package`') as string,
      },
    ]);
  });

  test('is not reported if it exists', () => {
    const rules = Object.keys((template('orchestration').toJSON()['Rules'] ?? {}) as object);
    expect(rules).not.toContain('HasLambdaZip');
  });
});

describe('the event of a master execution that did not succeed', () => {
  test('starts the closer, with retries and a dead-letter queue', () => {
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
    // The end of the closer must not start it again.
    const { detail } = rule?.Properties['EventPattern'] as { detail: { stateMachineArn: unknown[] } };
    expect(flat(detail.stateMachineArn)).toMatch(/stateMachine:rsqlflow-master$/);
  });
});

describe('the clock', () => {
  const rule = (name: string) =>
    resources(template('orchestration'), 'AWS::Events::Rule')
      .map(({ Properties }) => Properties)
      .find((one) => one['Name'] === `rsqlflow-${name}`);
  const permissions = resources(template('orchestration'), 'AWS::Lambda::Permission').map(
    ({ Properties }) => Properties,
  );

  test('runs every minute with an empty request', () => {
    expect(rule('tick')?.['ScheduleExpression']).toBe('rate(1 minute)');
    const [target] = rule('tick')?.['Targets'] as { Arn: unknown; Input: string }[];
    expect(flat(target?.Arn)).toMatch(/function:rsqlflow-clock$/);
    expect(target?.Input).toBe('{}');
  });

  test('gets the event of a statement that has ended, as it is', () => {
    expect(rule('statement-ended')?.['EventPattern']).toEqual({
      source: ['aws.redshift-data'],
      'detail-type': ['Redshift Data Statement Status Change'],
    });
    const [target] = rule('statement-ended')?.['Targets'] as { Arn: unknown; Input?: string }[];
    expect(flat(target?.Arn)).toMatch(/function:rsqlflow-clock$/);
    expect(target?.Input).toBeUndefined();
  });

  test('may be invoked by these two rules, and by nobody else', () => {
    expect(permissions.map((one) => [one['FunctionName'], flat(one['SourceArn']).replace(/.*:rule/, 'rule')])).toEqual([
      ['rsqlflow-clock', 'rule/rsqlflow-tick'],
      ['rsqlflow-clock', 'rule/rsqlflow-statement-ended'],
    ]);
  });

  test('has the role of the launcher: the Data API lists the statements of a role to this role only', () => {
    const roles = Object.fromEntries(
      resources(template('orchestration'), 'AWS::Lambda::Function').map(({ Properties }) => [
        Properties['Handler'],
        flat(Properties['Role']),
      ]),
    );
    expect(roles['clock']).toBe(roles['rsql-invoke']);
    expect(new Set(Object.values(roles)).size).toBe(Object.keys(roles).length - 1);
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

test('only the rules of the deployment may send to the dead-letter queue', () => {
  const [policy] = resources(template('orchestration'), 'AWS::SQS::QueuePolicy');
  const text = JSON.stringify(policy?.Properties);
  for (const rule of ['run-ended', 'command-failed', 'agent-unhealthy', 'tick', 'statement-ended'])
    expect(text).toContain(`rule/rsqlflow-${rule}`);
  expect(text).toContain('aws:SecureTransport');
  const started = JSON.stringify(resources(template('orchestration', EVERYTHING), 'AWS::SQS::QueuePolicy'));
  for (const rule of ['team-start-arrivals', 'shop/team-start-orders'])
    expect(started).toContain(`rule/${rule}"`.slice(0, -1));
});

test('a topic is created only if none is configured, and the email address subscribes to it', () => {
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

test('no stack imports from another, or has an account or a Region', () => {
  for (const variant of Object.values(VARIANTS)) {
    for (const { template: made, environment } of app(variant).synth().stacks) {
      expect(JSON.stringify(made)).not.toContain('Fn::ImportValue');
      expect([environment.account, environment.region]).toEqual(['unknown-account', 'unknown-region']);
    }
  }
});
