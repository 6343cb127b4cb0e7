import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, test } from 'vitest';

import { EVERYTHING, VARIANTS, resources, template } from './support.js';

describe('tables', () => {
  test('are encrypted and on-demand, with point-in-time recovery', () => {
    for (const { Properties } of resources(template('data'), 'AWS::DynamoDB::Table')) {
      expect(Properties).toMatchObject({
        BillingMode: 'PAY_PER_REQUEST',
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        SSESpecification: { SSEEnabled: true },
      });
    }
  });

  test('are retained, unless the configuration says otherwise', () => {
    const policies = (given?: object) =>
      resources(template('data', given), 'AWS::DynamoDB::Table').map((table) => table.DeletionPolicy);
    expect(policies()).toEqual(Array(3).fill('RetainExceptOnCreate'));
    expect(policies(VARIANTS['existing'])).toEqual(Array(3).fill('Delete'));
  });

  test('and the log group are retained if they are renamed', () => {
    const policies = (given?: object) =>
      ['AWS::DynamoDB::Table', 'AWS::Logs::LogGroup'].flatMap((type) =>
        resources(template('data', given), type).map((one) => one.UpdateReplacePolicy),
      );
    expect(policies()).toEqual(Array(4).fill('Retain'));
    expect(policies(VARIANTS['existing'])).toEqual(Array(4).fill('Delete'));
  });

  test('have their keys, indexes and expiry', () => {
    template('data').hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'rsqlflow-job-audit-table',
      KeySchema: [
        { AttributeName: 'workflow_execution_id', KeyType: 'HASH' },
        { AttributeName: 'job_id', KeyType: 'RANGE' },
      ],
      TimeToLiveSpecification: { AttributeName: 'expires_at', Enabled: true },
      GlobalSecondaryIndexes: [
        {
          IndexName: 'job_name-index',
          KeySchema: [
            { AttributeName: 'job_name', KeyType: 'HASH' },
            { AttributeName: 'execution_start_ts', KeyType: 'RANGE' },
          ],
          Projection: {
            ProjectionType: 'INCLUDE',
            NonKeyAttributes: ['workflow_id', 'execution_status', 'execution_end_ts', 'exit_code'],
          },
        },
        {
          IndexName: 'wake_at-index',
          KeySchema: [
            { AttributeName: 'owner', KeyType: 'HASH' },
            { AttributeName: 'wake_at', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'KEYS_ONLY' },
        },
      ],
    });
    template('data').hasResourceProperties('AWS::DynamoDB::Table', {
      TableName: 'rsqlflow-config-table',
      TimeToLiveSpecification: Match.absent(),
    });
  });
});

test('the log group of scripts is retained too, and has the configured retention', () => {
  const logs = resources(template('data', EVERYTHING), 'AWS::Logs::LogGroup');
  expect(logs).toMatchObject([
    { Properties: { LogGroupName: '/ops/rsql-logs/', RetentionInDays: 90 }, DeletionPolicy: 'RetainExceptOnCreate' },
  ]);
  template('data', VARIANTS['existing']).hasResourceProperties('AWS::Logs::LogGroup', {
    RetentionInDays: Match.absent(),
  });
});

test('another prefix gives other names', () => {
  const names = resources(template('data', EVERYTHING), 'AWS::DynamoDB::Table').map(
    ({ Properties }) => Properties['TableName'],
  );
  expect(names).toEqual(['team-config-table', 'team-workflow-audit-table', 'team-job-audit-table']);
});
