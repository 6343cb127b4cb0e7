/** Settings that schedules and events have in common: a name, a workflow, its parameters. */

import { CONTRACT } from '../contract.js';
import { duration } from './duration.js';
import type { Cursor, Rule } from './reader.js';
import { ruleOf } from './rules.js';

const HOUR = 3_600;

const workflow = ruleOf('workflow_id');
const parameterName = ruleOf('parameter_name');

/** Reads the name of a start, with which the ids of its runs begin. */
export function startName(field: Cursor): string | undefined {
  return field.text(ruleOf('start_name'));
}

/** Reads the workflow to start. EventBridge and Scheduler replace what is between `<` and `>`. */
export function workflowId(field: Cursor): string | undefined {
  return field.text(
    (text) =>
      workflow(text) ??
      (/[<>]/.test(text) ? { message: 'must not contain < or >', hint: 'rename the workflow' } : undefined),
  );
}

/** Reads overrides of parameters. */
export function parameters(field: Cursor, rule?: Rule): Record<string, string> | undefined {
  const entries = field.entries()?.map(([key, value]) => {
    if (CONTRACT.built_in_parameters.includes(key)) value.report('is built in', 'choose another name');
    else {
      const broken = parameterName(key);
      if (broken !== undefined) value.report(broken.message, broken.hint);
    }
    return [key, value.text(rule)] as const;
  });
  return entries === undefined || entries.some(([, text]) => text === undefined)
    ? undefined
    : (Object.fromEntries(entries) as Record<string, string>);
}

/** Reads after how many hours without a completed run an alarm is raised. */
export function lateAfter(field: Cursor): number | undefined {
  const seconds = duration(field, HOUR, 7 * 24 * HOUR);
  if (seconds === undefined || seconds % HOUR === 0) return seconds;
  return field.report('is not a whole number of hours', 'write whole hours, such as "26h"');
}

/** Reads a list of items with different names. */
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
