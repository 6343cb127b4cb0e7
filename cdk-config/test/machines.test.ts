import { readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';

import aslValidator from 'asl-validator';
import { describe, expect, test } from 'vitest';

import { CONTRACT } from '../lib/contract.js';
import { HOME } from '../lib/package.js';
import { placeholders } from '../lib/stacks/deployment-stack.js';
import { flat, repository, resources, template } from './support.js';

// The module is CommonJS, so its default export is the property `default`.
const validate = ((aslValidator as unknown as { default?: typeof aslValidator }).default ??
  aslValidator) as typeof aslValidator;

const FILES = ['../statemachines', 'machines'].flatMap((folder) =>
  readdirSync(resolve(HOME, folder))
    .filter((file) => file.endsWith('.asl.json'))
    .map((file) => `${folder}/${file}`),
);

const MACHINES = [
  ...resources(template('orchestration'), 'AWS::StepFunctions::StateMachine'),
  ...resources(template('alarms'), 'AWS::StepFunctions::StateMachine'),
];

/** The definition with the substitutions of CloudFormation. */
function filled(properties: Record<string, unknown>): string {
  const values = properties['DefinitionSubstitutions'] as Record<string, unknown>;
  return String(properties['DefinitionString']).replaceAll(/\$\{(\w+)\}/g, (_, name: string) =>
    flat(values[name])
      .replaceAll('<AWS::Partition>', 'aws')
      .replaceAll('<AWS::Region>', 'eu-west-1')
      .replaceAll('<AWS::AccountId>', '123456789012'),
  );
}

test('the definitions are the files of the repository, unchanged', () => {
  const files = FILES.map((file) => readFileSync(resolve(HOME, file), 'utf8'));
  expect(MACHINES.map(({ Properties }) => Properties['DefinitionString']).sort()).toEqual(files.sort());
});

describe.each(MACHINES.map(({ Properties }) => [String(Properties['StateMachineName']), Properties] as const))(
  '%s',
  (_, properties) => {
    test('has a value for every placeholder, and no other', () => {
      const values = properties['DefinitionSubstitutions'] as Record<string, unknown>;
      expect(Object.keys(values).sort()).toEqual(placeholders(String(properties['DefinitionString'])));
      expect(filled(properties)).not.toContain('${');
    });

    test('is valid', () => {
      const { isValid, errorsText } = validate(JSON.parse(filled(properties)));
      expect(isValid ? '' : errorsText('\n')).toBe('');
    });

    test('logs every event without execution data, which contains task tokens', () => {
      expect(properties['LoggingConfiguration']).toMatchObject({ Level: 'ALL', IncludeExecutionData: false });
      expect(properties['TracingConfiguration']).toEqual({ Enabled: true });
    });
  },
);

test('retries and catches name errors that the functions return', () => {
  const known = [...CONTRACT.errors.retried, ...CONTRACT.errors.of_job];
  for (const { Properties } of MACHINES) {
    const lists = [...String(Properties['DefinitionString']).matchAll(/"ErrorEquals": (\[[^\]]*\])/g)];
    const names = lists.flatMap(([, list = '[]']) => JSON.parse(list) as string[]);
    expect(names.length).toBeGreaterThan(0);
    expect(names.filter((name) => !name.includes('.') && !known.includes(name))).toEqual([]);
  }
});

test('an invalid definition is reported', () => {
  expect(
    validate({ StartAt: 'A', States: { A: { Type: 'Task', Resource: 'arn:aws:states:::lambda:invoke', Next: 'B' } } })
      .isValid,
  ).toBe(false);
});

test('the closer retries as long as the last state of the master', () => {
  type Machine = { States: Record<string, { Retry: { ErrorEquals: string[] }[] }> };
  const retry = (text: string, state: string) => {
    const found = (JSON.parse(text) as Machine).States[state]?.Retry.find(({ ErrorEquals }) =>
      ErrorEquals.includes('StageNotSettled'),
    );
    return { ...found, Comment: undefined };
  };
  expect(retry(repository('cdk-config/machines/closer.asl.json'), 'Close')).toEqual(
    retry(repository('statemachines/master.asl.json'), 'UpdateAudit'),
  );
});
