import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';

import type { Config } from '../config/index.js';
import type { Arns, Names } from '../names.js';
import { allow, items } from './statements.js';

/** What the agent calls. */
export function agentStatements(config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const secrets = [...(config.default_secret === undefined ? [] : [config.default_secret]), ...config.more_secrets];
  return [
    items(arns.table('jobAudit'), 'GetItem', 'UpdateItem'),
    allow(
      ['states:SendTaskSuccess', 'states:SendTaskFailure', 'states:SendTaskHeartbeat'],
      arns.machine('sequential'),
      arns.machine('parallel'),
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
 * What the SSM agent needs for commands and associations: less than AmazonSSMManagedInstanceCore, which may also read
 * every parameter of Parameter Store. Its own channels know no resources (service authorization reference).
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
