import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';

import { type Config, showDuration } from '../config/index.js';
import { type Arns, type HelperMachine, type MachineName, type Names } from '../names.js';

/** An alarm. Its section in `docs/runbook.md` has its kind as the heading. */
export interface AlarmSpec {
  /** Which alarm; also the section of the runbook. */
  readonly kind: (typeof ALARM_KINDS)[number];
  /** Its name after the prefix, where a kind has several alarms. */
  readonly name: string;
  /** What it says to who is woken by it. */
  readonly description: string;
  /** What its metric is called on the dashboard. */
  readonly label: string;
  readonly metric: Metric;
  readonly threshold: number;
  readonly comparison: ComparisonOperator;
  readonly evaluationPeriods: number;
  readonly treatMissingData: TreatMissingData;
}

/** Every kind of alarm. */
export const ALARM_KINDS = [
  'run-failed',
  'run-not-closed',
  'run-long',
  'run-late',
  'job-old',
  'missed-heartbeats',
  'command-failed',
  'agent-unhealthy',
  'dead-letters',
  'function-errors',
] as const;

/** Names of the metrics that are made out of the functions' log lines. */
export const LOG_METRICS = {
  retriedJobs: 'RetriedJobs',
  functionErrors: 'FunctionErrors',
  completed: (schedule: string) => `Completed-${schedule}`,
} as const;

const FIVE_MINUTES = Duration.minutes(5);

/** The deployment's alarms. */
export function alarmSpecs(config: Config, names: Names, arns: Arns): AlarmSpec[] {
  const atLeastOne = {
    threshold: 1,
    comparison: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
  };
  const older = (seconds: number) => ({
    ...atLeastOne,
    threshold: seconds,
    comparison: ComparisonOperator.GREATER_THAN_THRESHOLD,
  });
  const one = (
    kind: AlarmSpec['kind'],
    label: string,
    description: string,
    metric: Metric,
    rule: typeof atLeastOne = atLeastOne,
  ): AlarmSpec => ({ kind, name: kind, label, description, metric, ...rule });
  const { long_run, long_job } = config;
  return [
    one('run-failed', 'Failed runs', 'A run of a workflow did not complete', failed(arns, 'master')),
    one('run-not-closed', 'Not closed', 'The rows of a run that is over could not be closed', failed(arns, 'closer')),
    one(
      'run-long',
      'Oldest run',
      `A run has been running for more than ${showDuration(long_run)}`,
      oldest(names, 'OldestRun'),
      older(long_run),
    ),
    one(
      'job-old',
      'Oldest job',
      `A job has been running for more than ${showDuration(long_job)}`,
      oldest(names, 'OldestJob'),
      older(long_job),
    ),
    one(
      'missed-heartbeats',
      'Launches again',
      'Jobs were silent for a heartbeat, or their launch had to be repeated',
      own(names, LOG_METRICS.retriedJobs),
    ),
    one(
      'command-failed',
      'Failed commands',
      'A command of Systems Manager started no agent',
      matched(names.rule('command-failed')),
    ),
    one(
      'agent-unhealthy',
      'Unhealthy agents',
      'An instance has no healthy agent',
      matched(names.rule('agent-unhealthy')),
    ),
    one(
      'dead-letters',
      'Dead letters',
      'An event, a schedule or a start could not be delivered',
      visible(names.deadLetters),
    ),
    one(
      'function-errors',
      'Errors of functions',
      'A function met an error that it does not expect',
      own(names, LOG_METRICS.functionErrors),
    ),
    ...starts(config).flatMap(({ name, late_after }): AlarmSpec[] => {
      if (late_after === undefined) return [];
      return [
        {
          kind: 'run-late',
          name: `run-late-${name}`,
          label: `Completed: ${name}`,
          description: `No run of the start ${name} has completed for ${showDuration(late_after)}`,
          metric: own(names, LOG_METRICS.completed(name), Duration.hours(1)),
          threshold: 1,
          comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
          evaluationPeriods: late_after / 3_600,
          treatMissingData: TreatMissingData.BREACHING,
        },
      ];
    }),
  ];
}

/** What starts workflows without a person. */
export function starts(config: Config): { readonly name: string; readonly late_after: number | undefined }[] {
  return [...config.schedules, ...config.event_starts];
}

/** Executions of a machine that failed. Neither machine has a time limit, and what somebody stops has not failed. */
function failed(arns: Arns, machine: MachineName | HelperMachine): Metric {
  return new Metric({
    namespace: 'AWS/States',
    metricName: 'ExecutionsFailed',
    dimensionsMap: { StateMachineArn: arns.machine(machine) },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
  });
}

function own(names: Names, metricName: string, period = FIVE_MINUTES): Metric {
  return new Metric({ namespace: names.metrics, metricName, statistic: Stats.SUM, period });
}

/** What the watch measures, every five minutes. */
function oldest(names: Names, metricName: string): Metric {
  return new Metric({
    namespace: names.metrics,
    metricName,
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(15),
  });
}

/** Events that a rule matched (EventBridge user guide, "Monitoring Amazon EventBridge"). */
function matched(rule: string): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'TriggeredRules',
    dimensionsMap: { RuleName: rule },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
  });
}

/** Messages that nobody has taken yet. */
function visible(queue: string): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensionsMap: { QueueName: queue },
    statistic: Stats.MAXIMUM,
    period: FIVE_MINUTES,
  });
}
