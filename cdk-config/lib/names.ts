import { ArnFormat, type Stack } from 'aws-cdk-lib';

import type { Config } from './config/index.js';

/** The functions, by the name that their package knows them by (`_HANDLER`). */
export const FUNCTIONS = [
  'workflow-trigger',
  'master-iterator',
  'sequential-iterator',
  'parallel-load-check',
  'rsql-invoke',
  'update-audit',
  'sweeper',
] as const;

/** One of {@link FUNCTIONS}. */
export type FunctionName = (typeof FUNCTIONS)[number];

/** The bus of AWS's own events. */
export const DEFAULT_BUS = 'default';

/** The machines that run workflows. */
export const MACHINES = ['master', 'sequential', 'parallel'] as const;

/** One of {@link MACHINES}. */
export type MachineName = (typeof MACHINES)[number];

/** Machines beside them: one closes runs that could not close themselves, one measures what is running. */
export type HelperMachine = 'closer' | 'watch';

/**
 * Every name of a deployment. Names, not references, tie the stacks together: no export of one stack that another
 * uses stands in the way of a change, and functions and machines may name each other.
 */
export class Names {
  readonly prefix: string;
  readonly tables: { readonly config: string; readonly workflowAudit: string; readonly jobAudit: string };
  /** Of what EventBridge, Scheduler and Lambda could not deliver. */
  readonly deadLetters: string;
  readonly topic: string;
  /** Starts a job. */
  readonly runJob: string;
  /** Installs the agent and keeps it current. */
  readonly installAgent: string;
  /** Looks whether the agent is healthy. */
  readonly checkAgent: string;
  readonly scheduleGroup: string;
  /** CloudWatch's namespace of the deployment's own metrics. */
  readonly metrics: string;

  constructor(private readonly config: Config) {
    const { prefix } = config;
    this.prefix = prefix;
    this.tables = {
      config: config.config_table ?? `${prefix}-config-table`,
      workflowAudit: config.workflow_audit_table ?? `${prefix}-workflow-audit-table`,
      jobAudit: config.job_audit_table ?? `${prefix}-job-audit-table`,
    };
    this.deadLetters = `${prefix}-dead-letters`;
    this.topic = `${prefix}-notifications`;
    this.runJob = `${prefix}-run-job`;
    this.installAgent = `${prefix}-install-agent`;
    this.checkAgent = `${prefix}-check-agent`;
    this.scheduleGroup = prefix;
    this.metrics = `rsqlflow/${prefix}`;
  }

  function(name: FunctionName): string {
    return `${this.prefix}-${name}`;
  }

  machine(name: MachineName | HelperMachine): string {
    return `${this.prefix}-${name}`;
  }

  /** A rule of EventBridge. */
  rule(name: 'run-ended' | 'command-failed' | 'agent-unhealthy' | `start-${string}`): string {
    return `${this.prefix}-${name}`;
  }

  alarm(name: string): string {
    return `${this.prefix}-${name}`;
  }

  functionLogs(name: FunctionName): string {
    return `/aws/lambda/${this.function(name)}`;
  }

  /** Under `/aws/vendedlogs/`, where many machines need no policy of their own that would grow too long. */
  machineLogs(name: MachineName | HelperMachine): string {
    return `/aws/vendedlogs/states/${this.machine(name)}`;
  }

  /** What commands and associations that failed say of themselves. */
  eventLogs(): string {
    return `/aws/events/${this.prefix}`;
  }

  /** The ARNs, in the account and region of a stack. */
  arns(stack: Stack): Arns {
    return new Arns(stack, this, this.config);
  }
}

/** ARNs of what {@link Names} names. */
export class Arns {
  constructor(
    private readonly stack: Stack,
    private readonly names: Names,
    private readonly config: Config,
  ) {}

  private of(
    service: string,
    resource: string,
    resourceName: string,
    arnFormat = ArnFormat.SLASH_RESOURCE_NAME,
  ): string {
    return this.stack.formatArn({ service, resource, resourceName, arnFormat });
  }

  table(which: keyof Names['tables']): string {
    return this.of('dynamodb', 'table', this.names.tables[which]);
  }

  function(name: FunctionName): string {
    return this.of('lambda', 'function', this.names.function(name), ArnFormat.COLON_RESOURCE_NAME);
  }

  machine(name: MachineName | HelperMachine): string {
    return this.of('states', 'stateMachine', this.names.machine(name), ArnFormat.COLON_RESOURCE_NAME);
  }

  /** All executions of a machine. */
  executions(name: MachineName): string {
    return this.of('states', 'execution', `${this.names.machine(name)}:*`, ArnFormat.COLON_RESOURCE_NAME);
  }

  /** A log group and its streams. */
  logStreams(group: string): string {
    return this.of('logs', 'log-group', `${group}:*`, ArnFormat.COLON_RESOURCE_NAME);
  }

  rule(name: string, bus = DEFAULT_BUS): string {
    return this.of('events', 'rule', bus === DEFAULT_BUS ? name : `${bus}/${name}`);
  }

  /** An index of a table. */
  index(which: keyof Names['tables'], name: string): string {
    return `${this.table(which)}/index/${name}`;
  }

  document(name: string): string {
    return this.of('ssm', 'document', name);
  }

  /** EC2 instances, by id or all. */
  instance(id: string): string {
    return this.of('ec2', 'instance', id);
  }

  /** Managed nodes outside of EC2, by id or all. */
  managedInstance(id: string): string {
    return this.of('ssm', 'managed-instance', id);
  }

  deadLetters(): string {
    return this.stack.formatArn({ service: 'sqs', resource: this.names.deadLetters });
  }

  /** The topic for runs that failed and for alarms. */
  topic(): string {
    return this.config.topic_arn ?? this.stack.formatArn({ service: 'sns', resource: this.names.topic });
  }

  /** A secret by its name, which Secrets Manager follows with six random characters; an ARN stays. */
  secret(id: string): string {
    if (id.startsWith('arn:')) return id;
    // A pattern may end with `*` itself, which covers the six.
    return this.of('secretsmanager', 'secret', id.endsWith('*') ? id : `${id}-??????`, ArnFormat.COLON_RESOURCE_NAME);
  }
}

/** `update-audit` as `UpdateAudit`: ids of constructs, and placeholders of the machines' definitions. */
export function pascal(name: string): string {
  return name.replaceAll(/(^|-)([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
