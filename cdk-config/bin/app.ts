import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';

import { deployment } from '../lib/app.js';
import { ConfigError, readConfig } from '../lib/config/index.js';

const app = new App();
try {
  const { config, hints } = readConfig((key) => app.node.tryGetContext(key) as unknown);
  for (const hint of hints) console.error(`hint: ${hint}`);
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  deployment(app, config);
} catch (error) {
  // A stack trace would hide what the author of cdk.json needs to know.
  if (!(error instanceof ConfigError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 2;
}
