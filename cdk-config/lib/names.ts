import { ArnFormat, type Stack } from 'aws-cdk-lib';

import type { Config } from './config/index.js';
import { CONTRACT, TABLES, type TableName } from './contract.js';

/** The event bus of AWS services. */
export const DEFAULT_BUS = 'default';

/**
 * The names of a deployment. Stacks refer to each other by name and not by reference: an export that another stack uses
 * would prevent changes, and functions and state machines can name each other.
 */
export class Names {
  readonly prefix: string;
  readonly tables: Readonly<Record<TableName, string>>;
  /** Queue of what EventBridge, Scheduler and Lambda could not deliver. */
  readonly deadLetters: string;
  readonly topic: string;
  /** SSM document that starts a job. */
  readonly runJob: string;
  /** SSM document that installs and updates the agent. */
  readonly installAgent: string;
  /** SSM document that checks the agent. */
  readonly checkAgent: string;
  readonly scheduleGroup: string;
  /** CloudWatch namespace of the metrics of the deployment. */
  readonly metrics: string;

  constructor(private readonly config: Config) {
    const { prefix } = config;
    this.prefix = prefix;
    this.tables = Object.fromEntries(
      TABLES.map((table) => [table, config[`${table}_table`] ?? `${prefix}-${CONTRACT.tables[table].suffix}`]),
    ) as Record<TableName, string>;
    this.deadLetters = `${prefix}-dead-letters`;
    this.topic = `${prefix}-notifications`;
    this.runJob = `${prefix}-${CONTRACT.document.suffix}`;
    this.installAgent = `${prefix}-install-agent`;
    this.checkAgent = `${prefix}-check-agent`;
    this.scheduleGroup = prefix;
    this.metrics = `rsqlflow/${prefix}`;
  }

  function(name: string): string {
    return `${this.prefix}-${name}`;
  }

  machine(name: string): string {
    return `${this.prefix}-${name}`;
  }

  /** A rule of EventBridge. */
  rule(
    name: 'run-ended' | 'command-failed' | 'agent-unhealthy' | 'tick' | 'statement-ended' | `start-${string}`,
  ): string {
    return `${this.prefix}-${name}`;
  }

  alarm(name: string): string {
    return `${this.prefix}-${name}`;
  }

  functionLogs(name: string): string {
    return `/aws/lambda/${this.function(name)}`;
  }

  /** Log groups under `/aws/vendedlogs/` need no resource policy for each state machine. */
  machineLogs(name: string): string {
    return `/aws/vendedlogs/states/${this.machine(name)}`;
  }

  /** Log group of the events of failed commands and associations. */
  eventLogs(): string {
    return `/aws/events/${this.prefix}`;
  }

  /** The ARNs, in the account and region of a stack. */
  arns(stack: Stack): Arns {
    return new Arns(stack, this, this.config);
  }
}

/** The ARNs of the {@link Names}. */
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

  table(which: TableName): string {
    return this.of('dynamodb', 'table', this.names.tables[which]);
  }

  function(name: string): string {
    return this.of('lambda', 'function', this.names.function(name), ArnFormat.COLON_RESOURCE_NAME);
  }

  machine(name: string): string {
    return this.of('states', 'stateMachine', this.names.machine(name), ArnFormat.COLON_RESOURCE_NAME);
  }

  /** All executions of a state machine. */
  executions(name: string): string {
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
  index(which: TableName, name: string): string {
    return `${this.table(which)}/index/${name}`;
  }

  document(name: string): string {
    return this.of('ssm', 'document', name);
  }

  /** An EC2 instance, or all with `*`. */
  instance(id: string): string {
    return this.of('ec2', 'instance', id);
  }

  /** A managed node outside EC2, or all with `*`. */
  managedInstance(id: string): string {
    return this.of('ssm', 'managed-instance', id);
  }

  deadLetters(): string {
    return this.stack.formatArn({ service: 'sqs', resource: this.names.deadLetters });
  }

  /** The topic for failed runs and for alarms. */
  topic(): string {
    return this.config.topic_arn ?? this.stack.formatArn({ service: 'sns', resource: this.names.topic });
  }

  /** A cluster of Redshift. */
  cluster(id: string): string {
    return this.of('redshift', 'cluster', id, ArnFormat.COLON_RESOURCE_NAME);
  }

  /** A database or a user of a cluster. */
  ofCluster(what: 'dbname' | 'dbuser', cluster: string, name: string): string {
    return this.of('redshift', what, `${cluster}/${name}`, ArnFormat.COLON_RESOURCE_NAME);
  }

  /** A workgroup of Redshift Serverless by its id, or all with `*`. */
  workgroup(id: string): string {
    return this.of('redshift-serverless', 'workgroup', id);
  }

  /** A secret by its name or ARN. Secrets Manager adds six random characters to a name. */
  secret(id: string): string {
    if (id.startsWith('arn:')) return id;
    // A pattern that ends with `*` covers the six characters.
    return this.of('secretsmanager', 'secret', id.endsWith('*') ? id : `${id}-??????`, ArnFormat.COLON_RESOURCE_NAME);
  }
}

/** `update-audit` as `UpdateAudit`, for ids of constructs and placeholders of definitions. */
export function pascal(name: string): string {
  return name.replaceAll(/(^|[-_])([a-z])/g, (_, __, letter: string) => letter.toUpperCase());
}
