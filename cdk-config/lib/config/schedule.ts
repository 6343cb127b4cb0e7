import type { Cursor } from './reader.js';
import { lateAfter, parameters as readParameters, startName, unique, workflowId } from './start.js';

/** A schedule that starts a workflow. */
export interface Schedule {
  /** Its name, with which the ids of its runs begin. */
  readonly name: string;
  /** The workflow. */
  readonly workflow_id: string;
  /** An expression of EventBridge Scheduler: `cron(…)`, `rate(…)` or `at(…)`. */
  readonly expression: string;
  /** IANA time zone of the expression. */
  readonly time_zone: string;
  /** Overrides of the parameters of the workflow. */
  readonly parameters: Readonly<Record<string, string>> | undefined;
  /** Whether it starts runs. */
  readonly enabled: boolean;
  /** Raises an alarm if no run completed for this time, in seconds. Whole hours. */
  readonly late_after: number | undefined;
}

const EXPRESSION =
  /^(cron\([^()]+\)|rate\(\d+ (minute|minutes|hour|hours|day|days)\)|at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\))$/;

/** Reads a schedule. */
export function schedule(cursor: Cursor): Schedule | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const name = object.need('name', 'write a short name, such as "nightly"', startName);
  const workflow_id = object.need('workflow_id', 'name the workflow to start', workflowId);
  const expression = object.need('expression', 'write an expression such as "cron(30 2 * * ? *)"', (field) =>
    field.text((t) => {
      if (!EXPRESSION.test(t)) {
        return {
          message: 'is not a schedule expression',
          hint: 'write cron(30 2 * * ? *), rate(1 hour) or at(2030-01-31T02:30:00)',
        };
      }
      const fields = /^cron\((.*)\)$/.exec(t)?.[1]?.trim().split(/\s+/);
      if (fields === undefined || fields.length === 6) return cronDays(fields);
      return {
        message: `has ${fields.length} fields; EventBridge Scheduler needs 6: minutes hours day-of-month month day-of-week year`,
      };
    }),
  );
  const time_zone =
    object.take('time_zone', (field) =>
      field.text((t) =>
        isTimeZone(t) ? undefined : { message: 'is not an IANA time zone', hint: 'write a zone such as Europe/Berlin' },
      ),
    ) ?? 'UTC';
  const parameters = object.take('parameters', (field) => readParameters(field));
  const enabled = object.take('enabled', (field) => field.flag()) ?? true;
  const late_after = object.take('late_after', lateAfter);
  object.finish();
  if (name === undefined || workflow_id === undefined || expression === undefined) return undefined;
  return { name, workflow_id, expression, time_zone, parameters, enabled, late_after };
}

/** Reads the schedules. Their names must differ. */
export function schedules(cursor: Cursor): Schedule[] | undefined {
  return unique(cursor, 'schedule', schedule);
}

/** One of the day fields must be `?` (EventBridge Scheduler user guide, "Schedule types"). */
function cronDays(fields: string[] | undefined): { message: string; hint: string } | undefined {
  if (fields === undefined || fields[2] === '?' || fields[4] === '?') return undefined;
  return { message: 'has both a day of the month and a day of the week', hint: 'write ? for one of them' };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
