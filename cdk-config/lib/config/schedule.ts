import { duration } from './duration.js';
import type { Cursor } from './reader.js';

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

const HOUR = 3_600;

/** Reads a schedule. */
export function schedule(cursor: Cursor): Schedule | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  // With `-` after it and an id of 36 characters it must fit the 60 of a run's id; without `_`, which ends it
  // there, so that no schedule's runs can be taken for another's.
  const name = object.need('name', 'write a short one, such as "nightly"', (field) =>
    field.text((t) =>
      /^[A-Za-z0-9-]{1,20}$/.test(t) ? undefined : { message: 'is not a name of 1 to 20 letters, digits and -' },
    ),
  );
  const workflow_id = object.need('workflow_id', 'name the workflow to start', (field) =>
    field.text((t) =>
      Buffer.byteLength(t) >= 1 &&
      Buffer.byteLength(t) <= 255 &&
      !/\p{Cc}/u.test(t) &&
      !t.startsWith('lock#') &&
      !t.includes('<aws.')
        ? undefined
        : { message: 'is no workflow_id' },
    ),
  );
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
  const parameters = object.take('parameters', readParameters);
  const enabled = object.take('enabled', (field) => field.flag()) ?? true;
  const late_after = object.take('late_after', (field) => {
    const seconds = duration(field, HOUR, 7 * 24 * HOUR);
    if (seconds === undefined || seconds % HOUR === 0) return seconds;
    return field.report(
      'is not a whole number of hours',
      'CloudWatch looks back over whole hours: write one such as "26h"',
    );
  });
  object.finish();
  if (name === undefined || workflow_id === undefined || expression === undefined) return undefined;
  return { name, workflow_id, expression, time_zone, parameters, enabled, late_after };
}

/** Reads all schedules, whose names must differ. */
export function schedules(cursor: Cursor): Schedule[] | undefined {
  const names = new Set<string>();
  return cursor.list((item) => {
    const read = schedule(item);
    if (read !== undefined && names.has(read.name))
      return item.report(`has the name of another schedule: ${JSON.stringify(read.name)}`);
    if (read !== undefined) names.add(read.name);
    return read;
  });
}

function readParameters(field: Cursor): Record<string, string> | undefined {
  const entries = field.entries()?.map(([key, value]) => [key, value.text()] as const);
  return entries === undefined || entries.some(([, text]) => text === undefined)
    ? undefined
    : (Object.fromEntries(entries) as Record<string, string>);
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
