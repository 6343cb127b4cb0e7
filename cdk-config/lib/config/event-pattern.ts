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
  const { length } = JSON.stringify(cursor.value);
  if (length > LONGEST) return cursor.report(`has ${length} characters; EventBridge takes ${LONGEST}`);
  return cursor.value as EventPattern;
}

function level(cursor: Cursor, isAlternatives = false): boolean {
  if (isAlternatives) {
    const read = cursor.list((item) => (level(item) ? item : undefined));
    return read !== undefined && (read.length >= 2 || cursor.report('wants at least two alternatives') === true);
  }
  if (Array.isArray(cursor.value)) return values(cursor);
  if (typeof cursor.value !== 'object' || cursor.value === null) {
    cursor.report(
      `${JSON.stringify(cursor.value)} is not in a list`,
      `write ${JSON.stringify([cursor.value])}: a pattern lists what a field may be`,
    );
    return false;
  }
  const entries = cursor.entries() ?? [];
  if (entries.length === 0) {
    cursor.report('is empty');
    return false;
  }
  return entries.map(([name, field]) => level(field, name === '$or')).every(Boolean);
}

function values(cursor: Cursor): boolean {
  const read = cursor.list((item) => {
    if (item.value === null) return item.report('is null, which CloudFormation takes out', 'write {"exists": false}');
    if (Array.isArray(item.value)) return item.report('is a list in a list');
    if (typeof item.value !== 'object') return item;
    const names = Object.keys(item.value);
    if (names.length === 1 && OPERATORS.includes(names[0] ?? '')) return item;
    return item.report('is not a comparison', `write one of ${OPERATORS.map((name) => `{"${name}": …}`).join(', ')}`);
  });
  if (read?.length !== 0) return read !== undefined;
  cursor.report('is empty', 'such a pattern matches nothing');
  return false;
}
