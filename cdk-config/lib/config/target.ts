import type { Cursor } from './reader.js';
import * as rules from './rules.js';

/** The instances that may run a job: a list of ids, or every instance that has all of these tags. */
export type Target = { readonly instance_ids: readonly string[] } | { readonly tags: Readonly<Record<string, string>> };

const HINT = 'write {"instance_ids": ["i-…"]} or {"tags": {"Role": "etl"}}';

/** Reads a target. `SendCommand` accepts 50 ids or 5 filters (Systems Manager API reference). */
export function target(cursor: Cursor): Target | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const hasIds = object.has('instance_ids');
  const hasTags = object.has('tags');
  const ids = object.take('instance_ids', (field) => {
    const list = field.list((id) => id.text(rules.instanceId));
    if (list === undefined || (list.length >= 1 && list.length <= 50)) return list;
    return field.report(`has ${list.length} instances; 1 to 50 are allowed`);
  });
  const tags = object.take('tags', readTags);
  object.finish();
  if (hasIds === hasTags)
    return cursor.report(hasIds ? 'has both instance_ids and tags' : 'has neither instance_ids nor tags', HINT);
  if (ids !== undefined) return { instance_ids: ids };
  return tags === undefined ? undefined : { tags };
}

function readTags(field: Cursor): Record<string, string> | undefined {
  const entries = field.entries();
  if (entries === undefined) return undefined;
  if (entries.length < 1 || entries.length > 5) return field.report(`has ${entries.length} tags; 1 to 5 are allowed`);
  const tags: Record<string, string> = {};
  for (const [key, value] of entries) {
    // IAM would read `*` and `?` as wildcards, and `${` as a policy variable.
    const text = value.text((t) =>
      /^[^*?$]{1,256}$/.test(t)
        ? undefined
        : { message: 'is not a tag value of 1 to 256 characters without *, ? and $' },
    );
    if (!/^[\w .:/=+@-]{1,128}$/.test(key)) return value.report('is not a valid tag key');
    if (text === undefined) return undefined;
    tags[key] = text;
  }
  return tags;
}
