import { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { Config } from '../config/index.js';
import { CONTRACT, JOB_MACHINES } from '../contract.js';
import type { Arns, Names } from '../names.js';
import { allow } from './statements.js';

/** What the instance role allows to the agent, and therefore to every script that can use the role's credentials. */
export function agentStatements(config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const secrets = [...(config.default_secret === undefined ? [] : [config.default_secret]), ...config.more_secrets];
  return [
    allow(['dynamodb:GetItem'], arns.table('job_audit')),
    updateJobs(arns),
    allow(
      ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
      ...JOB_MACHINES.map((name) => arns.machine(name)),
    ),
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arns.logStreams(config.log_group)),
    ...(secrets.length === 0
      ? []
      : [allow(['secretsmanager:GetSecretValue'], ...secrets.map((id) => arns.secret(id)))]),
    ...(config.secret_keys.length === 0 ? [] : [allow(['kms:Decrypt'], ...config.secret_keys)]),
    allow(
      ['ssm:GetDocument', 'ssm:DescribeDocument'],
      ...[names.runJob, names.installAgent, names.checkAgent].map((name) => arns.document(name)),
    ),
  ];
}

/**
 * An update may name only the attributes that the agent's own updates name, its keys and conditions included. So nobody
 * can change with these credentials which script a row runs, with which arguments, variables and secret.
 * `dynamodb:Attributes` lists the attributes of the keys and of all expressions of a request (DynamoDB developer guide,
 * "Using IAM policy conditions for fine-grained access control"). The usual condition on `dynamodb:ReturnValues` would
 * refuse ALL_NEW, which renewals need; GetItem shows the same attributes anyway.
 */
function updateJobs(arns: Arns): PolicyStatement {
  return new PolicyStatement({
    actions: ['dynamodb:UpdateItem'],
    resources: [arns.table('job_audit')],
    conditions: { 'ForAllValues:StringEquals': { 'dynamodb:Attributes': [...CONTRACT.agent_attributes] } },
  });
}

/**
 * What the SSM agent needs for commands and associations. This is less than AmazonSSMManagedInstanceCore, which also
 * allows to read every parameter of Parameter Store. These actions support no resources (Service Authorization
 * Reference).
 */
export function ssmAgentStatements(): PolicyStatement[] {
  return [
    allow(
      [
        'ssm:UpdateInstanceInformation',
        'ssm:ListAssociations',
        'ssm:ListInstanceAssociations',
        'ssm:DescribeAssociation',
        'ssm:UpdateAssociationStatus',
        'ssm:UpdateInstanceAssociationStatus',
        'ssm:PutComplianceItems',
        'ssm:PutConfigurePackageResult',
        'ssmmessages:CreateControlChannel',
        'ssmmessages:CreateDataChannel',
        'ssmmessages:OpenControlChannel',
        'ssmmessages:OpenDataChannel',
        'ec2messages:AcknowledgeMessage',
        'ec2messages:DeleteMessage',
        'ec2messages:FailMessage',
        'ec2messages:GetEndpoint',
        'ec2messages:GetMessages',
        'ec2messages:SendReply',
      ],
      '*',
    ),
  ];
}
