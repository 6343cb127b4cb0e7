import { type EventPattern, eventPattern } from './event-pattern.js';
import type { Cursor, ObjectReader, Rule } from './reader.js';
import { lateAfter, parameters as readParameters, startName, unique, workflowId } from './start.js';

/** Which events start a workflow. */
export interface EventStart {
  /** Its name, and how its runs' ids begin. */
  readonly name: string;
  /** Which workflow. */
  readonly workflow_id: string;
  /** Which events, as EventBridge takes it. */
  readonly pattern: EventPattern;
  /** On which bus. */
  readonly event_bus: string;
  /** Overrides of the workflow's parameters: paths into the event, or texts as they are. */
  readonly parameters: Readonly<Record<string, string>> | undefined;
  /** Paths to what tells one event from another; the event's id, if there are none. */
  readonly once_per: readonly string[];
  /** Whether it starts anything. */
  readonly enabled: boolean;
  /** An alarm if no run has completed for so long, in seconds: whole hours. */
  readonly late_after: number | undefined;
}

/** What tells of a write of an object: S3 may tell of it twice, by events with ids of their own. */
const S3_ONCE_PER = ['$.detail.bucket.name', '$.detail.object.key', '$.detail.object.sequencer'];

/** As `Path` in `core/src/event_start/path.rs`; a test holds the two to each other. */
const PATH = /^\$(\.[A-Za-z0-9_/-]+|\['[^']+'\]|\[\d{1,9}\])+$/;

/** The longest template of a rule's target (EventBridge API reference, "InputTransformer"). */
const LONGEST_TEMPLATE = 8_192;

const path: Rule = (text) =>
  PATH.test(text) && !/[\p{Cc}<>]/u.test(text)
    ? undefined
    : { message: 'is not a path into an event', mend: 'write one such as $.detail.object.key' };

const value: Rule = (text) => {
  if (text.startsWith('$')) return path(text);
  return /[\p{Cc}<>]/u.test(text) ? { message: 'has a control character, < or > in it' } : undefined;
};

const bucket: Rule = (text) =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text)
    ? undefined
    : { message: 'is not the name of a bucket', mend: 'write its name, not its ARN' };

const keyPart: Rule = (text) =>
  text !== '' && Buffer.byteLength(text) <= 1_024
    ? undefined
    : { message: 'is no part of a key', mend: 'write 1 to 1024 bytes, or leave it out' };

const bus: Rule = (text) =>
  /^[A-Za-z0-9._/-]{1,256}$/.test(text)
    ? undefined
    : { message: 'is not the name of a bus', mend: 'write its name, not its ARN' };

/** What the function is told of an event of a start, beside the event: `EventRequest` in `core/src/event_start.rs`. */
export function inputTemplate({ name, workflow_id, parameters, once_per }: Omit<EventStart, 'pattern'>): string {
  const start = {
    name,
    workflow_id,
    ...(parameters === undefined ? {} : { parameters }),
    ...(once_per.length === 0 ? {} : { once_per }),
  };
  // The whole event, and not its fields one by one: what is in them could break out of the text they are put into
  // (EventBridge user guide, "Input transformation").
  return `{"start":${JSON.stringify(start)},"event":<aws.events.event.json>}`;
}

/** Reads all of them, whose names must differ. */
export function eventStarts(cursor: Cursor): EventStart[] | undefined {
  return unique(cursor, 'start', eventStart);
}

function eventStart(cursor: Cursor): EventStart | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const name = object.need('name', 'write a short one, such as "arrivals"', startName);
  const workflow_id = object.need('workflow_id', 'name the workflow to start', workflowId);
  const isS3 = object.has('s3');
  const pattern = isS3 === object.has('pattern') ? neither(object, isS3) : one(object);
  const event_bus = object.take('event_bus', (field) => field.text(bus)) ?? 'default';
  if (isS3 && event_bus !== 'default') cursor.report('names a bus', 'S3 sends its events to the default one');
  const parameters = object.take('parameters', (field) => readParameters(field, value));
  const once_per = object.take('once_per', (field) => {
    const paths = field.list((item) => item.text(path));
    return paths?.length === 0 ? field.report('is empty', "leave it out for the event's id") : paths;
  });
  const enabled = object.take('enabled', (field) => field.flag()) ?? true;
  const late_after = object.take('late_after', lateAfter);
  object.finish();
  if (name === undefined || workflow_id === undefined || pattern === undefined) return undefined;
  const read: EventStart = {
    name,
    workflow_id,
    pattern,
    event_bus,
    parameters,
    once_per: once_per ?? (isS3 ? S3_ONCE_PER : []),
    enabled,
    late_after,
  };
  const { length } = inputTemplate(read);
  if (length <= LONGEST_TEMPLATE) return read;
  return cursor.report(
    `comes to ${length} characters; EventBridge takes ${LONGEST_TEMPLATE}`,
    'shorten its parameters',
  );
}

function neither(object: ObjectReader, both: boolean): undefined {
  one(object);
  return object.cursor.report(
    both ? 'has both s3 and pattern' : 'has neither s3 nor pattern',
    'write "s3": {"bucket": "…"}, or a "pattern" of EventBridge',
  );
}

function one(object: ObjectReader): EventPattern | undefined {
  const given = object.take('pattern', eventPattern);
  return object.take('s3', s3) ?? given;
}

/** Reads a bucket whose objects are waited for. */
function s3(field: Cursor): EventPattern | undefined {
  const object = field.object();
  if (object === undefined) return undefined;
  const name = object.need('bucket', 'name the bucket', (f) => f.text(bucket));
  const prefix = object.take('prefix', (f) => f.text(keyPart));
  const suffix = object.take('suffix', (f) => f.text(keyPart));
  object.finish();
  if (name === undefined) return undefined;
  return {
    source: ['aws.s3'],
    'detail-type': ['Object Created'],
    detail: { bucket: { name: [name] }, ...(keyMatcher(prefix, suffix) ?? {}) },
  };
}

function keyMatcher(prefix: string | undefined, suffix: string | undefined): EventPattern | undefined {
  if (prefix === undefined && suffix === undefined) return undefined;
  // A list means "one of them", so both at once is a text with `*` between them.
  const escaped = (text = ''): string => text.replaceAll(/[\\*]/g, '\\$&');
  const matcher =
    prefix === undefined
      ? { suffix }
      : suffix === undefined
        ? { prefix }
        : { wildcard: `${escaped(prefix)}*${escaped(suffix)}` };
  return { object: { key: [matcher] } };
}
