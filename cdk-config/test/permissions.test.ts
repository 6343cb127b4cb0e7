import { describe, expect, test } from 'vitest';

import { CONTRACT } from '../lib/contract.js';
import {
  EVERYTHING,
  VARIANTS,
  flat,
  repository,
  resources,
  roleStatements,
  statements,
  template,
  type Statement,
} from './support.js';

/** Actions on the log of a function. */
const LOGS = 'logs:CreateLogStream logs:PutLogEvents';

/** `actions → resources` of every statement, except for the log of a function. */
function shown(found: Statement[]): string[] {
  return found
    .filter(({ actions }) => actions.join(' ') !== LOGS || !found[0]?.resources[0]?.includes('/aws/lambda/'))
    .map(
      ({ actions, resources, conditions }) =>
        `${actions.join(' ')} → ${resources.join(' ')}${conditions === undefined ? '' : ` if ${flat(conditions)}`}`,
    );
}

describe('the role of a function has exactly the permissions of', () => {
  const of = (what: RegExp, given?: object) => shown(roleStatements(template('orchestration', given), what));

  test('workflow-trigger', () => {
    expect(of(/^Starts and restarts workflows \(/)).toEqual([
      'dynamodb:GetItem → dynamodb:table/rsqlflow-config-table',
      'dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:DeleteItem → dynamodb:table/rsqlflow-workflow-audit-table',
      'dynamodb:Query → dynamodb:table/rsqlflow-workflow-audit-table/index/workflow_id-index dynamodb:table/rsqlflow-workflow-audit-table/index/attention-index',
      'dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query → dynamodb:table/rsqlflow-job-audit-table',
      'states:StartExecution → states:stateMachine:rsqlflow-master',
      'states:DescribeExecution → states:execution:rsqlflow-master:*',
      'sqs:SendMessage → sqs:rsqlflow-dead-letters',
      'states:StopExecution → states:execution:rsqlflow-sequential:* states:execution:rsqlflow-parallel:*',
      'sns:Publish → sns:rsqlflow-notifications',
    ]);
  });

  test('master-iterator', () => {
    expect(of(/^Determines the next chunk/)).toEqual([
      'dynamodb:GetItem → dynamodb:table/rsqlflow-workflow-audit-table',
      'dynamodb:GetItem dynamodb:PutItem dynamodb:UpdateItem dynamodb:Query → dynamodb:table/rsqlflow-job-audit-table',
    ]);
  });

  test('sequential-iterator and parallel-load-check', () => {
    expect(of(/^Hands out/)).toEqual([
      // It hands out nothing of a run that is closed.
      'dynamodb:GetItem → dynamodb:table/rsqlflow-workflow-audit-table',
      'dynamodb:GetItem dynamodb:PutItem → dynamodb:table/rsqlflow-job-audit-table',
    ]);
    expect(of(/^Evaluates/)).toEqual([
      'dynamodb:GetItem dynamodb:UpdateItem dynamodb:Query → dynamodb:table/rsqlflow-job-audit-table',
    ]);
  });

  test('rsql-invoke, which sends only the document of the deployment, and only to targets; and of clock', () => {
    expect(of(/^Sends a job/, EVERYTHING).filter((one) => !/^(redshift|secretsmanager|kms)/.test(one))).toEqual([
      'dynamodb:GetItem → dynamodb:table/team-workflow-audit-table',
      'dynamodb:GetItem dynamodb:UpdateItem → dynamodb:table/team-job-audit-table',
      'ssm:DescribeInstanceInformation → *',
      'ssm:SendCommand → ssm:document/team-run-job ec2:instance/i-0123456789abcdef0 ssm:managed-instance/mi-0123456789abcdef0',
      'ssm:SendCommand → ec2:instance/* ssm:managed-instance/* if {"StringEquals":{"ssm:resourceTag/Role":"etl"}}',
      'ssm:SendCommand → ec2:instance/* ssm:managed-instance/* if {"StringEquals":{"ssm:resourceTag/Team":"a","ssm:resourceTag/Stage":"prod"}}',
      'states:SendTaskSuccess states:SendTaskFailure → states:stateMachine:team-sequential states:stateMachine:team-parallel',
      'dynamodb:GetItem dynamodb:UpdateItem dynamodb:DeleteItem dynamodb:Scan → dynamodb:table/team-workflow-audit-table',
      'dynamodb:Query → dynamodb:table/team-workflow-audit-table/index/workflow_id-index dynamodb:table/team-workflow-audit-table/index/attention-index',
      'dynamodb:GetItem dynamodb:UpdateItem dynamodb:Query → dynamodb:table/team-job-audit-table',
      'dynamodb:Query → dynamodb:table/team-job-audit-table/index/job_name-index dynamodb:table/team-job-audit-table/index/wake_at-index',
      'states:DescribeExecution → states:execution:team-master:*',
      'states:SendTaskSuccess states:SendTaskFailure states:SendTaskHeartbeat → states:stateMachine:team-sequential states:stateMachine:team-parallel',
      'states:StopExecution → states:execution:team-sequential:* states:execution:team-parallel:*',
      'sns:Publish → sns:team-notifications arn:aws:sns:eu-west-1:123456789012:others',
    ]);
  });

  test('update-audit, which publishes to the configured topics', () => {
    expect(of(/^Closes a run/, EVERYTHING)).toEqual([
      'dynamodb:GetItem dynamodb:UpdateItem dynamodb:DeleteItem → dynamodb:table/team-workflow-audit-table',
      'dynamodb:GetItem dynamodb:UpdateItem dynamodb:Query → dynamodb:table/team-job-audit-table',
      'states:StopExecution → states:execution:team-sequential:* states:execution:team-parallel:*',
      'sns:Publish → sns:team-notifications arn:aws:sns:eu-west-1:123456789012:others',
    ]);
  });
});

test('statements run only on the configured warehouses, with the configured credentials', () => {
  const found = shown(roleStatements(template('orchestration', EVERYTHING), /^Sends a job/));
  const ofStatements = found.filter((one) => /^(redshift|secretsmanager|kms)/.test(one));
  expect(ofStatements).toEqual([
    'redshift-data:ExecuteStatement redshift-data:BatchExecuteStatement → redshift:cluster:etl redshift:cluster:bi redshift:cluster:ops redshift-serverless:workgroup/11111111-aaaa',
    'secretsmanager:GetSecretValue → secretsmanager:secret:redshift/night-??????',
    'redshift:GetClusterCredentials → redshift:dbuser:bi/loader redshift:dbname:bi/mart',
    'redshift:GetClusterCredentialsWithIAM → redshift:dbname:ops/ops',
    'redshift-serverless:GetCredentials → redshift-serverless:workgroup/11111111-aaaa',
    'kms:Decrypt → arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555',
    'redshift-data:DescribeStatement redshift-data:GetStatementResult redshift-data:CancelStatement redshift-data:ListStatements → *',
  ]);
  // Without a warehouse nobody may speak to one.
  for (const one of shown(roleStatements(template('orchestration'), /^Sends a job/)))
    expect(one).not.toMatch(/redshift/);
});

describe('the role of a state machine has the permissions of its definition', () => {
  const common = [
    'logs:CreateLogDelivery logs:GetLogDelivery logs:UpdateLogDelivery logs:DeleteLogDelivery logs:ListLogDeliveries logs:PutResourcePolicy logs:DescribeResourcePolicies logs:DescribeLogGroups → *',
    'xray:PutTraceSegments xray:PutTelemetryRecords xray:GetSamplingRules xray:GetSamplingTargets → *',
  ];
  const of = (name: string) =>
    shown(roleStatements(template('orchestration'), new RegExp(`^The state machine rsqlflow-${name}$`)));

  test.each(['master', 'sequential', 'parallel', 'closer'])(
    '%s may invoke the functions of its definition, and no others',
    (name) => {
      const definition = repository(
        name === 'closer' ? 'cdk-config/machines/closer.asl.json' : `statemachines/${name}.asl.json`,
      );
      const named = [...definition.matchAll(/"FunctionName": "\$\{(\w+)Arn\}"/g)].map((match) =>
        (match[1] ?? '').replaceAll(/(.)([A-Z])/g, '$1-$2').toLowerCase(),
      );
      const [call] = roleStatements(template('orchestration'), new RegExp(`^The state machine rsqlflow-${name}$`));
      expect(call?.actions).toEqual(['lambda:InvokeFunction']);
      expect(new Set(call?.resources)).toEqual(new Set(named.map((one) => `lambda:function:rsqlflow-${one}`)));
    },
  );

  test('the master may start, describe and stop its children', () => {
    expect(of('master').slice(1)).toEqual([
      'states:StartExecution → states:stateMachine:rsqlflow-sequential states:stateMachine:rsqlflow-parallel',
      'states:DescribeExecution states:StopExecution → states:execution:rsqlflow-sequential:* states:execution:rsqlflow-parallel:*',
      'events:PutTargets events:PutRule events:DescribeRule → events:rule/StepFunctionsGetEventsForStepFunctionsExecutionRule',
      ...common,
    ]);
  });

  test('the others may only invoke functions', () => {
    for (const name of ['sequential', 'parallel', 'closer']) expect(of(name).slice(1)).toEqual(common);
  });

  test('watch may read, and write metrics of this deployment only', () => {
    expect(shown(roleStatements(template('alarms'), /^The state machine rsqlflow-watch$/))).toEqual([
      'states:ListExecutions → states:stateMachine:rsqlflow-master',
      'dynamodb:Query → dynamodb:table/rsqlflow-job-audit-table',
      'cloudwatch:PutMetricData → * if {"StringEquals":{"cloudwatch:namespace":"rsqlflow/rsqlflow"}}',
      ...common,
    ]);
  });
});

describe('the agent', () => {
  const policy = (given?: object) => {
    const [found] = resources(template('fleet', given), 'AWS::IAM::ManagedPolicy');
    return shown(statements(found?.Properties['PolicyDocument']));
  };

  test('may use the job audit table, task tokens, the log group and its secrets', () => {
    expect(policy(EVERYTHING)).toEqual([
      'dynamodb:GetItem → dynamodb:table/team-job-audit-table',
      expect.stringMatching(
        /^dynamodb:UpdateItem → dynamodb:table\/team-job-audit-table if \{"ForAllValues:StringEquals"/,
      ),
      'states:SendTaskSuccess states:SendTaskFailure states:SendTaskHeartbeat → states:stateMachine:team-sequential states:stateMachine:team-parallel',
      'logs:CreateLogStream logs:PutLogEvents → logs:log-group:/ops/rsql-logs/:*',
      'secretsmanager:GetSecretValue → secretsmanager:secret:etl/redshift-?????? secretsmanager:secret:etl/* arn:aws:secretsmanager:eu-west-1:123456789012:secret:other-AbCdEf',
      'kms:Decrypt → arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555',
      'ssm:GetDocument ssm:DescribeDocument → ssm:document/team-run-job ssm:document/team-install-agent ssm:document/team-check-agent',
      expect.stringMatching(/^s3:GetObject → s3:.*\.rpm s3:.*\.deb$/),
      expect.stringMatching(/^s3:ListBucket → .* if .*s3:prefix.*\.rpm/),
      expect.stringMatching(/^s3:ListBucket → .* if .*s3:prefix.*\.deb/),
    ]);
  });

  test('may update the attributes that it writes, and nothing of what a job runs', () => {
    const [found] = resources(template('fleet'), 'AWS::IAM::ManagedPolicy');
    const updates = statements(found?.Properties['PolicyDocument']).filter(({ actions }) =>
      actions.some((action) => /^dynamodb:(?!GetItem$)/.test(action)),
    );
    expect(updates).toHaveLength(1);
    const [{ actions, conditions }] = updates as [Statement];
    expect(actions).toEqual(['dynamodb:UpdateItem']);
    const { 'ForAllValues:StringEquals': equals, ...others } = conditions as Record<string, unknown>;
    // A condition on ReturnValues would refuse ALL_NEW, which renewals need.
    expect(others).toEqual({});
    expect(equals).toEqual({ 'dynamodb:Attributes': CONTRACT.agent_attributes });
    const { partition, sort } = CONTRACT.tables.job_audit;
    expect(CONTRACT.agent_attributes).toEqual(
      expect.arrayContaining([partition, sort, 'execution_status', 'owner', 'beat', 'cancel_requested']),
    );
    for (const name of ['job', 'script', 'args', 'env', 'secret', 'task_token', 'snapshot', 'mark'])
      expect(CONTRACT.agent_attributes).not.toContain(name);
  });

  test('may read only configured secrets', () => {
    expect(policy().join('\n')).not.toContain('secretsmanager');
  });

  test('and the role that sends statements are the only ones that may read secrets', () => {
    const readers = (given: object) =>
      (['data', 'orchestration', 'schedules', 'alarms'] as const).flatMap((stack) =>
        resources(template(stack, given), 'AWS::IAM::Role')
          .filter((role) => JSON.stringify(role).includes('secretsmanager:'))
          .map(({ Properties }) => String(Properties['Description'])),
      );
    expect(readers(EVERYTHING)).toEqual(['Sends a job to an instance, or its SQL to the warehouse (team)']);
    expect(readers({ ...EVERYTHING, warehouses: {} })).toEqual([]);
  });

  test('gets its permissions in the configured role of the instances', () => {
    const existing = template('fleet', VARIANTS['existing']);
    existing.resourceCountIs('AWS::IAM::Role', 0);
    existing.resourceCountIs('AWS::IAM::InstanceProfile', 0);
    existing.hasResourceProperties('AWS::IAM::ManagedPolicy', { Roles: ['my-instances'] });
  });
});

test('a schedule may start workflows, and send to the dead-letter queue', () => {
  expect(shown(roleStatements(template('schedules'), /^Starts workflows on schedule/))).toEqual([
    'lambda:InvokeFunction → lambda:function:rsqlflow-workflow-trigger',
    'sqs:SendMessage → sqs:rsqlflow-dead-letters',
  ]);
});

test('services may assume roles only for this account', () => {
  for (const stack of ['orchestration', 'schedules', 'alarms', 'fleet'] as const) {
    for (const { Properties } of resources(template(stack), 'AWS::IAM::Role')) {
      const text = JSON.stringify(Properties['AssumeRolePolicyDocument']);
      expect(/lambda\.amazonaws|"ec2\./.test(text) || text.includes('aws:SourceAccount')).toBe(true);
    }
  }
});
