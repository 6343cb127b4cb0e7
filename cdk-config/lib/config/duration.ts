import { CONTRACT } from '../contract.js';
import type { Cursor } from './reader.js';

const { units, accepted } = CONTRACT.durations;

const SECONDS: ReadonlyMap<string, number> = new Map(
  units.flatMap(({ seconds, names }) => names.map((name) => [name, seconds] as const)),
);

/** Seconds of a text such as `1h30m`, as in a workflow item; `undefined` if it is not a duration. */
export function parseDuration(given: string): number | undefined {
  const text = given.replaceAll(/^ +| +$/g, '');
  // A number without a unit is seconds, but only if it stands alone: `1h30` is ambiguous.
  if (/^\d+$/.test(text)) return Number(text);
  let total = 0;
  let last = Number.POSITIVE_INFINITY;
  let rest = text;
  while (rest !== '') {
    const part = /^(\d+) *([a-z]+) */.exec(rest);
    const size = SECONDS.get(part?.[2] ?? '');
    if (part === null || size === undefined || size >= last) return undefined;
    total += Number(part[1]) * size;
    last = size;
    rest = rest.slice(part[0].length);
  }
  return last === Number.POSITIVE_INFINITY ? undefined : total;
}

/** The shortest text that {@link parseDuration} reads as the same. */
export function showDuration(seconds: number): string {
  let rest = seconds;
  let text = '';
  for (const { seconds: size, names } of units) {
    if (rest >= size) text += `${Math.floor(rest / size)}${names[0]}`;
    rest %= size;
  }
  return text === '' ? '0s' : text;
}

/** Reads a duration within bounds, in seconds. `hint` says what to write instead of one that is out of bounds. */
export function duration(cursor: Cursor, least: number, most: number, hint?: string): number | undefined {
  const { value } = cursor;
  const seconds =
    typeof value === 'number' && Number.isInteger(value)
      ? value
      : typeof value === 'string'
        ? parseDuration(value)
        : undefined;
  if (seconds === undefined) return cursor.report(`${JSON.stringify(value)} is not a duration`, `write ${accepted}`);
  if (seconds >= least && seconds <= most) return seconds;
  return cursor.report(
    `${JSON.stringify(value)} is not between ${showDuration(least)} and ${showDuration(most)}`,
    hint,
  );
}
