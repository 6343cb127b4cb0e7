/** Permissions are those of the calls that stand in the functions' code: not one less, not one more. */
import { describe, expect, test } from 'vitest';

import { FUNCTIONS, type FunctionName } from '../lib/names.js';
import { calls, overlooked } from './rust-calls.js';
import { resources, statements, template } from './support.js';

const TABLES: [RegExp, string][] = [
  [/config-table$/, 'config'],
  [/workflow-audit-table(\/index\/.*)?$/, 'workflows'],
  [/job-audit-table(\/index\/.*)?$/, 'jobs'],
];
const SERVICES: Readonly<Record<string, string>> = { states: 'sfn', ssm: 'ssm', sns: 'sns' };

/** What a function's role allows, in the words of {@link calls}. */
function allowed(name: FunctionName): string[] {
  const role = resources(template('orchestration'), 'AWS::IAM::Role').find(({ Properties }) =>
    JSON.stringify(Properties['Policies']).includes(`/aws/lambda/rsqlflow-${name}:*`),
  );
  const found = (role?.Properties['Policies'] as { PolicyDocument: unknown }[]).flatMap(({ PolicyDocument }) =>
    statements(PolicyDocument),
  );
  return found
    .flatMap(({ actions, resources: arns }) =>
      actions.flatMap((action) => {
        const [service = '', operation = ''] = action.split(':');
        if (service !== 'dynamodb') return service in SERVICES ? [`${SERVICES[service] ?? ''} ${operation}`] : [];
        return arns.map((arn) => {
          const table = TABLES.find(([pattern]) => pattern.test(arn))?.[1] ?? arn;
          return `${table} ${operation}${arn.includes('/index/') ? '/index' : ''}`;
        });
      }),
    )
    .filter((one, i, all) => all.indexOf(one) === i)
    .sort();
}

describe('the role of', () => {
  test.each(FUNCTIONS)('%s allows what its code calls', (name) => {
    expect(allowed(name)).toEqual(calls(name));
  });
});

test('no call is overlooked', () => {
  expect(overlooked(FUNCTIONS)).toEqual([]);
});
