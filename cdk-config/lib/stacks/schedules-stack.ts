import { CfnRule } from 'aws-cdk-lib/aws-events';
import { CfnPermission } from 'aws-cdk-lib/aws-lambda';
import { CfnSchedule, CfnScheduleGroup } from 'aws-cdk-lib/aws-scheduler';
import type { Construct } from 'constructs';

import { type EventStart, type Schedule, inputTemplate } from '../config/index.js';
import { DEFAULT_BUS, pascal } from '../names.js';
import { allow } from '../permissions/statements.js';
import { DeploymentStack, type DeploymentProps } from './deployment-stack.js';

/** Schedules and event rules that start workflows. */
export class SchedulesStack extends DeploymentStack {
  constructor(scope: Construct, id: string, props: DeploymentProps) {
    super(scope, id, props);
    const group = new CfnScheduleGroup(this, 'Group', { name: this.names.scheduleGroup });
    const role = this.role('Role', 'scheduler.amazonaws.com', `Starts workflows on schedule (${this.names.prefix})`, [
      allow(['lambda:InvokeFunction'], this.arns.function('workflow-trigger')),
      allow(['sqs:SendMessage'], this.arns.deadLetters()),
    ]);
    for (const schedule of this.config.schedules) {
      new CfnSchedule(this, `Start${pascal(schedule.name)}`, {
        name: schedule.name,
        groupName: group.ref,
        description: `Starts the workflow ${schedule.workflow_id}`.slice(0, 512),
        scheduleExpression: schedule.expression,
        scheduleExpressionTimezone: schedule.time_zone,
        state: schedule.enabled ? 'ENABLED' : 'DISABLED',
        flexibleTimeWindow: { mode: 'OFF' },
        target: {
          arn: this.arns.function('workflow-trigger'),
          roleArn: role.roleArn,
          input: JSON.stringify(request(schedule)),
          // After an hour a nightly run would start at the wrong time of the day.
          retryPolicy: { maximumEventAgeInSeconds: 3_600, maximumRetryAttempts: 20 },
          deadLetterConfig: { arn: this.arns.deadLetters() },
        },
      });
    }
    for (const start of this.config.event_starts) this.eventStart(start);
  }

  /** A rule that passes the whole event to workflow-trigger, with what it starts. */
  private eventStart(start: EventStart): void {
    const id = pascal(start.name);
    const name = this.names.rule(`start-${start.name}`);
    const trigger = this.arns.function('workflow-trigger');
    const permission = new CfnPermission(this, `Event${id}Permission`, {
      functionName: trigger,
      action: 'lambda:InvokeFunction',
      principal: 'events.amazonaws.com',
      sourceArn: this.arns.rule(name, start.event_bus),
    });
    const rule = new CfnRule(this, `Event${id}`, {
      name,
      description: `Starts the workflow ${start.workflow_id}`.slice(0, 512),
      ...(start.event_bus === DEFAULT_BUS ? {} : { eventBusName: start.event_bus }),
      eventPattern: start.pattern,
      state: start.enabled ? 'ENABLED' : 'DISABLED',
      targets: [
        {
          id: 'trigger',
          arn: trigger,
          inputTransformer: { inputTemplate: inputTemplate(start) },
          retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
          deadLetterConfig: { arn: this.arns.deadLetters() },
        },
      ],
    });
    rule.addResourceDependency(permission);
  }
}

/**
 * The input of workflow-trigger: `ScheduledRequest` in `core/src/event_start/schedule.rs`. It names the run by the time
 * that the schedule was due, so a delivery that is repeated starts no second run. The id of the invocation would not do:
 * Scheduler makes a new one for each attempt.
 */
function request({ name, workflow_id, parameters }: Schedule): unknown {
  return {
    start: { name, workflow_id, ...(parameters === undefined ? {} : { parameters }) },
    scheduled_time: '<aws.scheduler.scheduled-time>',
  };
}
