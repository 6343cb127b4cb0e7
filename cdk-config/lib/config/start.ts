/** What schedules and events have in common: a name, a workflow, its parameters. */

import { duration } from './duration.js';
import type { Cursor, Rule } from './reader.js';

const HOUR = 3_600;

/**
 * Reads a name. With `_` and up to 36 characters after it, it must fit the 60 of a run's id; it has no `_` itself, so
 * that no start's runs can be taken for another's.
 */
export function startName(field: Cursor): string | undefined {
  return field.text((t) =>
    /^[A-Za-z0-9-]{1,20}$/.test(t) ? undefined : { message: 'is not a name of 1 to 20 letters, digits and -' },
  );
}

/** Reads the workflow to start. `<` begins what EventBridge and Scheduler fill in. */
export function workflowId(field: Cursor): string | undefined {
  return field.text((t) =>
    Buffer.byteLength(t) >= 1 && Buffer.byteLength(t) <= 255 && !/[\p{Cc}<>]/u.test(t) && !t.startsWith('lock#')
      ? undefined
      : { message: 'is no workflow_id that can be started so', mend: 'it has 1 to 255 bytes, and no < or >' },
  );
}

/** Names that every workflow has: `BUILT_IN` in `core/src/template.rs`. */
export const BUILT_IN = ['ds', 'ts', 'workflow_id', 'workflow_execution_id'];

/** Reads overrides of parameters. */
export function parameters(field: Cursor, rule?: Rule): Record<string, string> | undefined {
  const entries = field.entries()?.map(([key, value]) => {
    // The rule of `parameter_name` in `core/src/config/rules.rs`.
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,63}$/.test(key))
      value.report('is not a name of a parameter', 'use at most 64 letters, digits and _, not starting with a digit');
    else if (BUILT_IN.includes(key)) value.report('is built in', 'choose another name');
    return [key, value.text(rule)] as const;
  });
  return entries === undefined || entries.some(([, text]) => text === undefined)
    ? undefined
    : (Object.fromEntries(entries) as Record<string, string>);
}

/** Reads how long there may be no completed run before an alarm. */
export function lateAfter(field: Cursor): number | undefined {
  const seconds = duration(field, HOUR, 7 * 24 * HOUR);
  if (seconds === undefined || seconds % HOUR === 0) return seconds;
  return field.report(
    'is not a whole number of hours',
    'CloudWatch looks back over whole hours: write one such as "26h"',
  );
}

/** Reads a list of which no two have the same name. */
export function unique<T extends { readonly name: string }>(
  cursor: Cursor,
  what: string,
  read: (item: Cursor) => T | undefined,
): T[] | undefined {
  const names = new Set<string>();
  return cursor.list((item) => {
    const one = read(item);
    if (one !== undefined && names.has(one.name))
      return item.report(`has the name of another ${what}: ${JSON.stringify(one.name)}`);
    if (one !== undefined) names.add(one.name);
    return one;
  });
}
