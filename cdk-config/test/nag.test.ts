/** Synthesizes every variant of the app with cdk-nag. cfn-lint checks the templates after the tests. */
import { readFileSync, rmSync } from 'node:fs';
import { resolve } from 'node:path';

import { App, Validations } from 'aws-cdk-lib';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { AwsSolutionsChecks } from 'cdk-nag';
import { beforeAll, expect, test } from 'vitest';

import { deployment } from '../lib/app.js';
import { HOME } from '../lib/package.js';
import { DataStack } from '../lib/stacks/data-stack.js';
import { VARIANTS, config } from './support.js';

const OUT = resolve(HOME, 'node_modules/.cache/variants');

interface Report {
  readonly pluginReports: {
    pluginName: string;
    violations: { ruleName: string; violatingConstructs: { constructPath: string }[] }[];
  }[];
}

function findings(
  name: string,
  given: object,
  build: (app: App) => void = (app) => deployment(app, config(given)),
): string[] {
  const outdir = resolve(OUT, name);
  const app = new App({ outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  build(app);
  let isRefused = false;
  try {
    app.synth();
  } catch {
    isRefused = true;
  }
  const { pluginReports } = JSON.parse(readFileSync(resolve(outdir, 'validation-report.json'), 'utf8')) as Report;
  const found = pluginReports
    .filter(({ pluginName }) => pluginName === 'AwsSolutions')
    .flatMap(({ violations }) =>
      violations.flatMap(({ ruleName, violatingConstructs }) =>
        violatingConstructs.map(({ constructPath }) => `${ruleName} ${constructPath}`),
      ),
    );
  expect(isRefused).toBe(found.length > 0);
  return found;
}

beforeAll(() => rmSync(OUT, { recursive: true, force: true }));

test.each(Object.entries(VARIANTS))('%s has no finding without a reason', (name, given) => {
  expect(findings(name, given)).toEqual([]);
});

test('a finding is reported', () => {
  const found = findings('refused', {}, (app) => {
    const stack = new DataStack(app, 'Refused', { config: config() });
    new Queue(stack, 'Open');
  });
  expect(found).toContain('AwsSolutions-SQS4 Refused/Open/Resource');
  rmSync(resolve(OUT, 'refused'), { recursive: true });
});
