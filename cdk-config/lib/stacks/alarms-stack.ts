import { Alarm, Dashboard, GraphWidget, Metric, SingleValueWidget, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { CfnMetricFilter } from 'aws-cdk-lib/aws-logs';
import { CfnSchedule } from 'aws-cdk-lib/aws-scheduler';
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';

import { CONTRACT, FUNCTIONS } from '../contract.js';
import { pascal } from '../names.js';
import { allow } from '../permissions/statements.js';
import { type AlarmSpec, LOG_METRICS, alarmSpecs, starts } from './alarms.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** Alarms, and a dashboard. */
export class AlarmsStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    this.metricFilters();
    this.watch(this.machine('watch', 'EXPRESS'));
    const specs = alarmSpecs(this.config, this.names, this.arns);
    for (const spec of specs) this.alarm(spec);
    this.dashboard(specs);
  }

  /** The functions log lines of JSON. */
  private metricFilters(): void {
    const { launched, launched_retry, closed_run, closed_status } = CONTRACT.log_lines;
    const retried = `{ ($.message = "${launched}") && ($.${launched_retry} > 0) }`;
    this.filter('RetriedJobs', 'rsql-invoke', retried, LOG_METRICS.retriedJobs);
    for (const name of FUNCTIONS)
      this.filter(`${pascal(name)}Errors`, name, '{ $.level = "ERROR" }', LOG_METRICS.functionErrors);
    for (const { name, late_after } of starts(this.config)) {
      if (late_after === undefined) continue;
      // The ids of the runs of a start begin with its name and `_`.
      const pattern = `{ ($.${closed_status} = "Completed") && ($.${closed_run} = "${name}_*") }`;
      this.filter(`Completed${pascal(name)}`, 'update-audit', pattern, LOG_METRICS.completed(name));
    }
  }

  private filter(id: string, handler: string, filterPattern: string, metricName: string): void {
    new CfnMetricFilter(this, `${id}Filter`, {
      logGroupName: this.names.functionLogs(handler),
      filterPattern,
      metricTransformations: [{ metricNamespace: this.names.metrics, metricName, metricValue: '1' }],
    });
  }

  private watch(machine: CfnStateMachine): void {
    const role = this.role('WatchScheduleRole', 'scheduler.amazonaws.com', `Starts ${this.names.machine('watch')}`, [
      allow(['states:StartExecution'], this.arns.machine('watch')),
    ]);
    const schedule = new CfnSchedule(this, 'WatchSchedule', {
      name: `${this.names.prefix}-watch`,
      description: 'Measures the oldest run and job',
      scheduleExpression: 'rate(5 minutes)',
      flexibleTimeWindow: { mode: 'OFF' },
      target: {
        arn: this.arns.machine('watch'),
        roleArn: role.roleArn,
        input: '{}',
        retryPolicy: { maximumRetryAttempts: 0 },
      },
    });
    schedule.addResourceDependency(machine);
  }

  private alarm(spec: AlarmSpec): void {
    const alarm = new Alarm(this, pascal(spec.name), {
      alarmName: this.names.alarm(spec.name),
      alarmDescription: `${spec.description}. See docs/runbook.md#${spec.kind}`,
      metric: spec.metric,
      threshold: spec.threshold,
      comparisonOperator: spec.comparison,
      evaluationPeriods: spec.evaluationPeriods,
      treatMissingData: spec.treatMissingData,
    });
    const topic = this.arns.topic();
    alarm.addAlarmAction({ bind: () => ({ alarmActionArn: topic }) });
  }

  private dashboard(specs: readonly AlarmSpec[]): void {
    const of = (metricName: string): Metric =>
      new Metric({
        namespace: 'AWS/States',
        metricName,
        dimensionsMap: { StateMachineArn: this.arns.machine('master') },
        statistic: Stats.SUM,
      });
    const metric = (kind: AlarmSpec['kind']) =>
      specs.filter((spec) => spec.kind === kind).map((spec) => spec.metric.with({ label: spec.label }));
    new Dashboard(this, 'Dashboard', { dashboardName: this.names.prefix }).addWidgets(
      new SingleValueWidget({
        title: 'Now',
        width: 24,
        metrics: [...metric('run-long'), ...metric('job-old'), ...metric('dead-letters')],
      }),
      new GraphWidget({
        title: 'Runs',
        width: 12,
        left: [of('ExecutionsStarted'), of('ExecutionsSucceeded'), of('ExecutionsFailed'), of('ExecutionsAborted')],
      }),
      new GraphWidget({
        title: 'Problems',
        width: 12,
        left: [
          ...metric('missed-heartbeats'),
          ...metric('command-failed'),
          ...metric('agent-unhealthy'),
          ...metric('function-errors'),
          ...metric('run-not-closed'),
        ],
      }),
    );
  }
}
