import { Duration } from 'aws-cdk-lib';
import {
  Color,
  ComparisonOperator,
  type IMetric,
  MathExpression,
  Metric,
  Stats,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch';

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
  readonly metric: IMetric;
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
    description: string,
    metric: IMetric,
    rule: typeof atLeastOne = atLeastOne,
  ): AlarmSpec => ({ kind, name: kind, description, metric, ...rule });
  return [
    one('run-failed', 'A run of a workflow did not complete', ended(arns, 'master', 'Failed runs')),
    one(
      'run-not-closed',
      'The rows of a run that is over could not be closed',
      ended(arns, 'closer', 'Runs that could not be closed'),
    ),
    one(
      'run-long',
      `A run has been running for more than ${showDuration(config.long_run)}`,
      oldest(names, 'OldestRun', 'Oldest run'),
      older(config.long_run),
    ),
    one(
      'job-old',
      `A job has been running for more than ${showDuration(config.long_job)}`,
      oldest(names, 'OldestJob', 'Oldest job'),
      older(config.long_job),
    ),
    one(
      'missed-heartbeats',
      'Jobs were silent for a heartbeat, or their launch had to be repeated',
      own(names, LOG_METRICS.retriedJobs, 'Launches again'),
    ),
    one(
      'command-failed',
      'A command of Systems Manager started no agent',
      matched(names.rule('command-failed'), 'Failed commands'),
    ),
    one(
      'agent-unhealthy',
      'An instance has no healthy agent',
      matched(names.rule('agent-unhealthy'), 'Unhealthy agents'),
    ),
    one('dead-letters', 'An event, a schedule or a start could not be delivered', deadLetters(names)),
    one(
      'function-errors',
      'A function met an error that it does not expect',
      own(names, LOG_METRICS.functionErrors, 'Errors of functions'),
    ),
    ...config.schedules.flatMap(({ name, late_after }): AlarmSpec[] => {
      if (late_after === undefined) return [];
      return [
        {
          kind: 'run-late',
          name: `run-late-${name}`,
          description: `No run of the schedule ${name} has completed for ${showDuration(late_after)}`,
          metric: own(names, LOG_METRICS.completed(name), `Completed: ${name}`, Duration.hours(1)),
          threshold: 1,
          comparison: ComparisonOperator.LESS_THAN_THRESHOLD,
          evaluationPeriods: late_after / 3_600,
          treatMissingData: TreatMissingData.BREACHING,
        },
      ];
    }),
  ];
}

/** Executions of a machine that neither succeeded nor were stopped by somebody. */
function ended(arns: Arns, machine: MachineName | HelperMachine, label: string): IMetric {
  const of = (metricName: string): Metric =>
    new Metric({
      namespace: 'AWS/States',
      metricName,
      dimensionsMap: { StateMachineArn: arns.machine(machine) },
      statistic: Stats.SUM,
      period: FIVE_MINUTES,
    });
  return new MathExpression({
    expression: 'failed + timedout',
    usingMetrics: { failed: of('ExecutionsFailed'), timedout: of('ExecutionsTimedOut') },
    label,
    period: FIVE_MINUTES,
  });
}

function own(names: Names, metricName: string, label: string, period = FIVE_MINUTES): Metric {
  return new Metric({ namespace: names.metrics, metricName, statistic: Stats.SUM, period, label });
}

function oldest(names: Names, metricName: string, label: string): Metric {
  return new Metric({
    namespace: names.metrics,
    metricName,
    statistic: Stats.MAXIMUM,
    period: Duration.minutes(15),
    label,
    color: Color.ORANGE,
  });
}

/** Events that a rule matched (EventBridge user guide, "Monitoring Amazon EventBridge"). */
function matched(rule: string, label: string): Metric {
  return new Metric({
    namespace: 'AWS/Events',
    metricName: 'TriggeredRules',
    dimensionsMap: { RuleName: rule },
    statistic: Stats.SUM,
    period: FIVE_MINUTES,
    label,
  });
}

function deadLetters(names: Names): Metric {
  return new Metric({
    namespace: 'AWS/SQS',
    metricName: 'ApproximateNumberOfMessagesVisible',
    dimensionsMap: { QueueName: names.deadLetters },
    statistic: Stats.MAXIMUM,
    period: FIVE_MINUTES,
    label: 'Dead letters',
  });
}
