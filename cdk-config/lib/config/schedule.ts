import type { Cursor } from './reader.js';
import { lateAfter, parameters as readParameters, startName, unique, workflowId } from './start.js';

/** When a workflow starts by itself. */
export interface Schedule {
  /** Its name, and how its runs' ids begin. */
  readonly name: string;
  /** Which workflow. */
  readonly workflow_id: string;
  /** As EventBridge Scheduler takes it: `cron(…)`, `rate(…)` or `at(…)`. */
  readonly expression: string;
  /** IANA time zone that the expression is of. */
  readonly time_zone: string;
  /** Overrides of the workflow's parameters. */
  readonly parameters: Readonly<Record<string, string>> | undefined;
  /** Whether it starts anything. */
  readonly enabled: boolean;
  /** An alarm if no run has completed for so long, in seconds: whole hours. */
  readonly late_after: number | undefined;
}

const EXPRESSION =
  /^(cron\([^()]+\)|rate\(\d+ (minute|minutes|hour|hours|day|days)\)|at\(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\))$/;

/** Reads a schedule. */
export function schedule(cursor: Cursor): Schedule | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const name = object.need('name', 'write a short one, such as "nightly"', startName);
  const workflow_id = object.need('workflow_id', 'name the workflow to start', workflowId);
  const expression = object.need('expression', 'write one such as "cron(30 2 * * ? *)"', (field) =>
    field.text((t) => {
      if (!EXPRESSION.test(t)) {
        return {
          message: 'is not a schedule',
          mend: 'write cron(30 2 * * ? *), rate(1 hour) or at(2030-01-31T02:30:00)',
        };
      }
      const fields = /^cron\((.*)\)$/.exec(t)?.[1]?.trim().split(/\s+/);
      if (fields === undefined || fields.length === 6) return cronDays(fields);
      return {
        message: `has ${fields.length} fields; EventBridge wants 6: minutes hours day-of-month month day-of-week year`,
      };
    }),
  );
  const time_zone =
    object.take('time_zone', (field) =>
      field.text((t) =>
        isTimeZone(t) ? undefined : { message: 'is no IANA time zone', mend: 'write one such as Europe/Berlin' },
      ),
    ) ?? 'UTC';
  const parameters = object.take('parameters', (field) => readParameters(field));
  const enabled = object.take('enabled', (field) => field.flag()) ?? true;
  const late_after = object.take('late_after', lateAfter);
  object.finish();
  if (name === undefined || workflow_id === undefined || expression === undefined) return undefined;
  return { name, workflow_id, expression, time_zone, parameters, enabled, late_after };
}

/** Reads all schedules, whose names must differ. */
export function schedules(cursor: Cursor): Schedule[] | undefined {
  return unique(cursor, 'schedule', schedule);
}

/** One of the day fields must be `?` (EventBridge Scheduler user guide, "Schedule types"). */
function cronDays(fields: string[] | undefined): { message: string; mend: string } | undefined {
  if (fields === undefined || fields[2] === '?' || fields[4] === '?') return undefined;
  return { message: 'names a day of the month and a day of the week', mend: 'write ? for one of the two' };
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}
