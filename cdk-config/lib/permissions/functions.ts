import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { PolicyStatement as Statement } from 'aws-cdk-lib/aws-iam';

import type { Config, Target } from '../config/index.js';
import type { Arns, FunctionName, Names } from '../names.js';
import { SHAPES } from '../tables.js';
import { allow, items } from './statements.js';

/** What each function calls, and nothing else. The calls are in the module of `lambdas/src` that has its name. */
export function functionStatements(name: FunctionName, config: Config, names: Names, arns: Arns): PolicyStatement[] {
  return [
    allow(['logs:CreateLogStream', 'logs:PutLogEvents'], arns.logStreams(names.functionLogs(name))),
    ...own(name, config, names, arns),
  ];
}

function own(name: FunctionName, config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const workflows = arns.table('workflowAudit');
  const jobs = arns.table('jobAudit');
  switch (name) {
    case 'workflow-trigger':
      return [
        items(arns.table('config'), 'GetItem'),
        items(workflows, 'GetItem', 'PutItem', 'UpdateItem', 'DeleteItem'),
        // A restart looks whether the run was restarted before.
        items(arns.index('workflowAudit', SHAPES.workflowAudit.index.name), 'Query'),
        items(jobs, 'GetItem', 'PutItem', 'UpdateItem', 'Query'),
        allow(['states:StartExecution'], arns.machine('master')),
        allow(['states:DescribeExecution'], arns.executions('master')),
        // A trigger that takes a lock over closes the run that held it.
        ...closing(config, arns),
        allow(['sqs:SendMessage'], arns.deadLetters()),
      ];
    case 'master-iterator':
      return [items(workflows, 'GetItem'), items(jobs, 'GetItem', 'PutItem', 'UpdateItem', 'Query')];
    case 'sequential-iterator':
      return [items(jobs, 'GetItem', 'PutItem')];
    case 'parallel-load-check':
      return [items(jobs, 'GetItem', 'UpdateItem', 'Query')];
    case 'rsql-invoke':
      return [
        items(workflows, 'GetItem'),
        items(jobs, 'GetItem', 'UpdateItem'),
        // Knows no resources (service authorization reference, Systems Manager).
        allow(['ssm:DescribeInstanceInformation'], '*'),
        ...sendCommand(config, names, arns),
        allow(
          ['states:SendTaskSuccess', 'states:SendTaskFailure'],
          arns.machine('sequential'),
          arns.machine('parallel'),
        ),
      ];
    case 'update-audit':
      return [
        items(workflows, 'GetItem', 'UpdateItem', 'DeleteItem'),
        items(jobs, 'GetItem', 'UpdateItem', 'Query'),
        ...closing(config, arns),
      ];
    case 'sweeper':
      return [
        items(workflows, 'UpdateItem', 'DeleteItem', 'Scan'),
        items(jobs, 'GetItem', 'UpdateItem', 'Query'),
        allow(['states:DescribeExecution'], arns.executions('master')),
        ...closing(config, arns),
      ];
  }
}

function closing(config: Config, arns: Arns): PolicyStatement[] {
  return [
    allow(['states:StopExecution'], arns.executions('sequential'), arns.executions('parallel')),
    allow(['sns:Publish'], arns.topic(), ...config.more_topics),
  ];
}

/** Every target that a command may have. */
export function targets(config: Config): Target[] {
  return [...(config.default_target === undefined ? [] : [config.default_target]), ...config.more_targets];
}

/**
 * Commands run our document and no other, on instances that are named or tagged. IAM wants both in the same call: the
 * document's statement alone reaches no instance, and an instance's alone no document.
 */
function sendCommand(config: Config, names: Names, arns: Arns): PolicyStatement[] {
  const ids = targets(config).flatMap((target) => ('instance_ids' in target ? target.instance_ids : []));
  const byId = ids.map((id) => (id.startsWith('mi-') ? arns.managedInstance(id) : arns.instance(id)));
  const byTag = targets(config).flatMap((target) => {
    if (!('tags' in target)) return [];
    return new Statement({
      actions: ['ssm:SendCommand'],
      resources: [arns.instance('*'), arns.managedInstance('*')],
      conditions: {
        StringEquals: Object.fromEntries(
          Object.entries(target.tags).map(([key, value]) => [`ssm:resourceTag/${key}`, value]),
        ),
      },
    });
  });
  return [allow(['ssm:SendCommand'], arns.document(names.runJob), ...new Set(byId)), ...byTag];
}
