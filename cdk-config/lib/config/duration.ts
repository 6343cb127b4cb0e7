import type { Cursor } from './reader.js';

const UNITS: ReadonlyMap<string, number> = new Map(
  (
    [
      [1, ['s', 'sec', 'secs', 'second', 'seconds']],
      [60, ['m', 'min', 'mins', 'minute', 'minutes']],
      [3_600, ['h', 'hr', 'hrs', 'hour', 'hours']],
      [86_400, ['d', 'day', 'days']],
    ] as const
  ).flatMap(([size, names]) => names.map((name) => [name, size] as const)),
);

/** What a duration may look like, for error texts. */
const ACCEPTED = 'write a whole number of seconds, or a text such as "90s", "3 min", "1h30m", "24h", "1d"';

/** Seconds of a text such as `1h30m`; `undefined` for what is none. The same texts as in a workflow item. */
export function parseDuration(text: string): number | undefined {
  const bare = /^ *(\d+) *$/.exec(text);
  if (bare !== null) return Number(bare[1]);
  let total = 0;
  let last = Number.POSITIVE_INFINITY;
  let rest = text.trim();
  while (rest !== '') {
    const part = /^(\d+) *([a-z]+) */.exec(rest);
    const size = UNITS.get(part?.[2] ?? '');
    if (part === null || size === undefined || size >= last) return undefined;
    total += Number(part[1]) * size;
    last = size;
    rest = rest.slice(part[0].length);
  }
  return last === Number.POSITIVE_INFINITY ? undefined : total;
}

/** As short as {@link parseDuration} reads it back. */
export function showDuration(seconds: number): string {
  let rest = seconds;
  let text = '';
  for (const [size, unit] of [
    [86_400, 'd'],
    [3_600, 'h'],
    [60, 'm'],
    [1, 's'],
  ] as const) {
    if (rest >= size) text += `${Math.floor(rest / size)}${unit}`;
    rest %= size;
  }
  return text === '' ? '0s' : text;
}

/** Reads a duration within bounds, in seconds. `beyond` tells what to write instead of one outside of them. */
export function duration(cursor: Cursor, least: number, most: number, beyond?: string): number | undefined {
  const { value } = cursor;
  const seconds =
    typeof value === 'number' && Number.isInteger(value)
      ? value
      : typeof value === 'string'
        ? parseDuration(value)
        : undefined;
  if (seconds === undefined) return cursor.report(`${JSON.stringify(value)} is not a duration`, ACCEPTED);
  if (seconds >= least && seconds <= most) return seconds;
  return cursor.report(`${JSON.stringify(value)} is not from ${showDuration(least)} to ${showDuration(most)}`, beyond);
}
