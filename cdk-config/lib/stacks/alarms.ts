import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';

import { type Config, showDuration } from '../config/index.js';
import type { Arns, Names } from '../names.js';

/** An alarm. The heading of its section in `docs/runbook.md` is its kind. */
export interface AlarmSpec {
  /** The kind, which is also the section of the runbook. */
  readonly kind: (typeof ALARM_KINDS)[number];
  /** Its name without the prefix. A kind may have several alarms. */
  readonly name: string;
  /** What happened. */
  readonly description: string;
  /** The label of its metric on the dashboard. */
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
  'clock-late',
  'function-errors',
] as const;

/** Names of the metrics of the functions' log lines. */
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
    one('run-not-closed', 'Not closed', 'The rows of a run that ended could not be closed', failed(arns, 'closer')),
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
      'Retried launches',
      'Jobs missed a heartbeat, or their launch was retried',
      own(names, LOG_METRICS.retriedJobs),
    ),
    one(
      'command-failed',
      'Failed commands',
      'A command of Systems Manager did not start an agent',
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
      'An event, a schedule or an invocation could not be delivered',
      visible(names.deadLetters),
    ),
    one(
      'function-errors',
      'Function errors',
      'A function reported an unexpected error',
      own(names, LOG_METRICS.functionErrors),
    ),
    {
      ...one('clock-late', 'Clock', 'The clock has not run for 15 minutes', invocations(names.function('clock'))),
      comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 3,
      treatMissingData: TreatMissingData.BREACHING,
    },
    ...starts(config).flatMap(({ name, late_after }): AlarmSpec[] => {
      if (late_after === undefined) return [];
      return [
        {
          kind: 'run-late',
          name: `run-late-${name}`,
          label: `Completed: ${name}`,
          description: `No run of ${name} completed in ${showDuration(late_after)}`,
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

/** Schedules and event starts. */
export function starts(config: Config): { readonly name: string; readonly late_after: number | undefined }[] {
  return [...config.schedules, ...config.event_starts];
}

/** The sum of a metric of an AWS service. */
function sum(namespace: string, metricName: string, dimensionsMap: Record<string, string>): Metric {
  return new Metric({ namespace, metricName, dimensionsMap, statistic: Stats.SUM, period: FIVE_MINUTES });
}

/** Failed executions of a state machine. Stopped executions are not failed, and these state machines have no timeout. */
function failed(arns: Arns, machine: string): Metric {
  return sum('AWS/States', 'ExecutionsFailed', { StateMachineArn: arns.machine(machine) });
}

function own(names: Names, metricName: string, period = FIVE_MINUTES): Metric {
  return new Metric({ namespace: names.metrics, metricName, statistic: Stats.SUM, period });
}

/** What the state machine `watch` measures every five minutes. */
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
  return sum('AWS/Events', 'TriggeredRules', { RuleName: rule });
}

/** Invocations of a function. */
function invocations(functionName: string): Metric {
  return sum('AWS/Lambda', 'Invocations', { FunctionName: functionName });
}

/** Messages in the queue. */
function visible(queue: string): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensionsMap: { QueueName: queue },
    statistic: Stats.MAXIMUM,
    period: FIVE_MINUTES,
  });
}
