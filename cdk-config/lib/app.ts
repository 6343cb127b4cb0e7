import { type App, CliCredentialsStackSynthesizer, Tags } from 'aws-cdk-lib';
import { ManagedPolicy, PermissionsBoundary } from 'aws-cdk-lib/aws-iam';

import type { Config } from './config/index.js';
import { AlarmsStack } from './stacks/alarms-stack.js';
import { DataStack } from './stacks/data-stack.js';
import { FleetStack } from './stacks/fleet-stack.js';
import { OrchestrationStack } from './stacks/orchestration-stack.js';
import { SchedulesStack } from './stacks/schedules-stack.js';

/** Creates the stacks of a deployment. */
export function deployment(app: App, config: Config): void {
  const { prefix } = config;
  const props = (description: string) => ({
    config,
    description: `rsqlflow: ${description}`,
    // A synthesizer belongs to one stack.
    ...(config.synthesizer === 'credentials' ? { synthesizer: new CliCredentialsStackSynthesizer() } : {}),
  });
  const data = new DataStack(app, `${prefix}-data`, props('tables and logs'));
  const orchestration = new OrchestrationStack(
    app,
    `${prefix}-orchestration`,
    props('functions, state machines and event rules'),
  );
  const fleet = new FleetStack(app, `${prefix}-fleet`, props('instances: permissions, agent and SSM documents'));
  const schedules = new SchedulesStack(
    app,
    `${prefix}-schedules`,
    props('schedules and event rules that start workflows'),
  );
  orchestration.addStackDependency(data);
  fleet.addStackDependency(data);
  schedules.addStackDependency(orchestration);
  if (config.alarms) {
    const alarms = new AlarmsStack(app, `${prefix}-alarms`, props('alarms and dashboard'));
    alarms.addStackDependency(orchestration);
  }
  for (const [key, value] of Object.entries(config.tags)) Tags.of(app).add(key, value);
  if (config.permissions_boundary !== undefined) {
    PermissionsBoundary.of(app).apply(
      ManagedPolicy.fromManagedPolicyArn(data, 'Boundary', config.permissions_boundary),
    );
  }
}
