import type { Cursor } from './reader.js';

/** A pattern of events, as EventBridge takes it. */
export type EventPattern = { readonly [field: string]: unknown };

/** Top-level fields of an event (EventBridge events reference, "Event structure"). */
const FIELDS = ['source', 'detail-type', 'detail', 'account', 'region', 'resources', 'id', 'time', 'version', '$or'];

/** What a list may hold beside plain values (EventBridge user guide, "Comparison operators"). */
const OPERATORS = ['prefix', 'suffix', 'anything-but', 'equals-ignore-case', 'wildcard', 'numeric', 'exists', 'cidr'];

/** The default quota (EventBridge user guide, "Quotas"). */
const LONGEST = 2_048;

/**
 * Reads a pattern: objects, at whose ends are lists of what a field may be. EventBridge knows more of its operators than
 * stands here; this is for the slips that would deploy and then match nothing, or everything.
 */
export function eventPattern(cursor: Cursor): EventPattern | undefined {
  const entries = cursor.entries();
  if (entries === undefined) return undefined;
  let isSound = true;
  for (const [name, field] of entries) {
    if (!FIELDS.includes(name)) {
      field.report('is not a field of an event', `there are ${FIELDS.join(', ')}; a field of yours is below detail`);
      isSound = false;
    } else isSound = level(field, name === '$or') && isSound;
  }
  if (!isSound) return undefined;
  // The events of our own machines and commands are on the default bus too: a start by each of them would never end.
  if (!entries.some(([name]) => name === 'source'))
    return cursor.report('names no source', 'write "source": ["…"], or every event of the account may match');
  const source = entries.find(([name]) => name === 'source')?.[1];
  if (Array.isArray(source?.value) && source.value.some(isWide))
    return source.report(
      'may match every event of the account',
      'write the sources, or {"prefix": "…"} of them: the events of the runs themselves must not match',
    );
  const { length } = JSON.stringify(cursor.value);
  if (length > LONGEST) return cursor.report(`has ${length} characters; EventBridge takes ${LONGEST}`);
  return cursor.value as EventPattern;
}

/** Whether a comparison lets more through than what somebody has named. */
function isWide(one: unknown): boolean {
  if (typeof one !== 'object' || one === null) return false;
  const named = Object.entries(one).filter(([operator]) =>
    ['prefix', 'suffix', 'equals-ignore-case'].includes(operator),
  );
  return !named.some(([, value]) => typeof value === 'string' && value !== '');
}

/** Whether what stands below a field is sound. */
function level(cursor: Cursor, isAlternatives = false): boolean {
  if (isAlternatives) return alternatives(cursor);
  if (Array.isArray(cursor.value)) return values(cursor);
  if (typeof cursor.value !== 'object' || cursor.value === null) {
    const value = JSON.stringify(cursor.value);
    return unsound(cursor, `${value} is not in a list`, `write [${value}]: a pattern lists what a field may be`);
  }
  const entries = cursor.entries() ?? [];
  if (entries.length === 0) return unsound(cursor, 'is empty');
  return entries.map(([name, field]) => level(field, name === '$or')).every(Boolean);
}

function alternatives(cursor: Cursor): boolean {
  const read = cursor.list((item) => (level(item) ? item : undefined));
  return read !== undefined && (read.length >= 2 || unsound(cursor, 'wants at least two alternatives'));
}

function values(cursor: Cursor): boolean {
  const read = cursor.list((item) => (comparison(item) ? item : undefined));
  return read !== undefined && (read.length >= 1 || unsound(cursor, 'is empty', 'such a pattern matches nothing'));
}

function comparison(item: Cursor): boolean {
  if (item.value === null) return unsound(item, 'is null, which CloudFormation takes out', 'write {"exists": false}');
  if (Array.isArray(item.value)) return unsound(item, 'is a list in a list');
  if (typeof item.value !== 'object') return true;
  const names = Object.keys(item.value);
  if (names.length === 1 && OPERATORS.includes(names[0] ?? '')) return true;
  return unsound(item, 'is not a comparison', `write one of ${OPERATORS.map((name) => `{"${name}": …}`).join(', ')}`);
}

function unsound(cursor: Cursor, message: string, mend?: string): false {
  cursor.report(message, mend);
  return false;
}
