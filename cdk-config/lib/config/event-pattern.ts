import type { Cursor } from './reader.js';

/** An event pattern of EventBridge. */
export type EventPattern = { readonly [field: string]: unknown };

/** Top-level fields of an event (EventBridge events reference, "Event structure"). */
const FIELDS = ['source', 'detail-type', 'detail', 'account', 'region', 'resources', 'id', 'time', 'version', '$or'];

/** What a list may contain besides plain values (EventBridge user guide, "Comparison operators"). */
const OPERATORS = ['prefix', 'suffix', 'anything-but', 'equals-ignore-case', 'wildcard', 'numeric', 'exists', 'cidr'];

/** The default quota (EventBridge user guide, "Quotas"). */
const LONGEST = 2_048;

/**
 * Reads a pattern: nested objects that end in lists of values. This finds the mistakes that would deploy and then match
 * nothing, or everything. EventBridge itself checks the operands.
 */
export function eventPattern(cursor: Cursor): EventPattern | undefined {
  const entries = cursor.entries();
  if (entries === undefined) return undefined;
  let isValid = true;
  for (const [name, field] of entries) {
    if (!FIELDS.includes(name)) {
      field.report('is not a field of an event', `the fields are ${FIELDS.join(', ')}; your own fields are in detail`);
      isValid = false;
    } else isValid = level(field, name === '$or') && isValid;
  }
  if (!isValid) return undefined;
  // The default bus also carries the events of this deployment. A start by each of them would never end.
  if (!entries.some(([name]) => name === 'source'))
    return cursor.report('has no source', 'write "source": ["…"]; otherwise any event of the account can match');
  const source = entries.find(([name]) => name === 'source')?.[1];
  if (Array.isArray(source?.value) && source.value.some(isWide))
    return source.report(
      'can match every event of the account',
      'write the sources, or {"prefix": "…"}: the events of the runs themselves must not match',
    );
  const { length } = JSON.stringify(cursor.value);
  if (length > LONGEST) return cursor.report(`has ${length} characters; EventBridge accepts ${LONGEST}`);
  return cursor.value as EventPattern;
}

/** Whether a comparison matches sources that the pattern does not name. */
function isWide(one: unknown): boolean {
  if (typeof one !== 'object' || one === null) return false;
  const named = Object.entries(one).filter(([operator]) =>
    ['prefix', 'suffix', 'equals-ignore-case'].includes(operator),
  );
  return !named.some(([, value]) => typeof value === 'string' && value !== '');
}

/** Whether the pattern of a field is valid. */
function level(cursor: Cursor, isAlternatives = false): boolean {
  if (isAlternatives) return alternatives(cursor);
  if (Array.isArray(cursor.value)) return values(cursor);
  if (typeof cursor.value !== 'object' || cursor.value === null) {
    const value = JSON.stringify(cursor.value);
    return invalid(cursor, `${value} is not in a list`, `write [${value}]: a pattern lists the values of a field`);
  }
  const entries = cursor.entries() ?? [];
  if (entries.length === 0) return invalid(cursor, 'is empty');
  return entries.map(([name, field]) => level(field, name === '$or')).every(Boolean);
}

function alternatives(cursor: Cursor): boolean {
  const read = cursor.list((item) => (level(item) ? item : undefined));
  return read !== undefined && (read.length >= 2 || invalid(cursor, 'needs at least two alternatives'));
}

function values(cursor: Cursor): boolean {
  const read = cursor.list((item) => (comparison(item) ? item : undefined));
  return (
    read !== undefined &&
    (read.length >= 1 || invalid(cursor, 'is empty', 'write a value: an empty list matches nothing'))
  );
}

function comparison(item: Cursor): boolean {
  if (item.value === null) return invalid(item, 'is null, which CloudFormation removes', 'write {"exists": false}');
  if (Array.isArray(item.value)) return invalid(item, 'is a list within a list');
  if (typeof item.value !== 'object') return true;
  const names = Object.keys(item.value);
  if (names.length === 1 && OPERATORS.includes(names[0] ?? '')) return true;
  return invalid(item, 'is not a comparison', `write one of ${OPERATORS.map((name) => `{"${name}": …}`).join(', ')}`);
}

function invalid(cursor: Cursor, message: string, hint?: string): false {
  cursor.report(message, hint);
  return false;
}
