import { type EventPattern, eventPattern } from './event-pattern.js';
import type { Cursor, ObjectReader, Rule } from './reader.js';
import { ruleOf } from './rules.js';
import { lateAfter, parameters as readParameters, startName, unique, workflowId } from './start.js';

/** A start of a workflow by events. */
export interface EventStart {
  /** Its name, with which the ids of its runs begin. */
  readonly name: string;
  /** The workflow. */
  readonly workflow_id: string;
  /** The event pattern. */
  readonly pattern: EventPattern;
  /** The event bus. */
  readonly event_bus: string;
  /** Overrides of the parameters of the workflow: paths into the event, or plain strings. */
  readonly parameters: Readonly<Record<string, string>> | undefined;
  /** Paths to the fields that identify an event. If empty, it is the id of the event. */
  readonly once_per: readonly string[];
  /** Whether it starts runs. */
  readonly enabled: boolean;
  /** Raises an alarm if no run completed for this time, in seconds. Whole hours. */
  readonly late_after: number | undefined;
}

/** What identifies a write of an object. S3 may send two events of one write, with different ids. */
const S3_ONCE_PER = ['$.detail.bucket.name', '$.detail.object.key', '$.detail.object.sequencer'];

/** The longest template of a rule's target (EventBridge API reference, "InputTransformer"). */
const LONGEST_TEMPLATE = 8_192;

const eventPath = ruleOf('event_path');

/** EventBridge would replace what is between `<` and `>` in the template. */
const template: Rule = (text) =>
  /[\p{Cc}<>]/u.test(text) ? { message: 'must not contain control characters, < or >' } : undefined;

const path: Rule = (text) => eventPath(text) ?? template(text);

const value: Rule = (text) => (text.startsWith('$') ? path(text) : template(text));

const bucket: Rule = (text) =>
  /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text)
    ? undefined
    : { message: 'is not a bucket name', hint: 'write the name, not the ARN' };

const keyPart: Rule = (text) =>
  text !== '' && Buffer.byteLength(text) <= 1_024
    ? undefined
    : { message: 'must have 1 to 1024 bytes', hint: 'remove it to match every key' };

const bus: Rule = (text) =>
  /^[A-Za-z0-9._/-]{1,256}$/.test(text)
    ? undefined
    : { message: 'is not the name of an event bus', hint: 'write the name, not the ARN' };

/** The input of workflow-trigger for an event: `EventRequest` in `core/src/event_start.rs`. */
export function inputTemplate({ name, workflow_id, parameters, once_per }: Omit<EventStart, 'pattern'>): string {
  const start = {
    name,
    workflow_id,
    ...(parameters === undefined ? {} : { parameters }),
    ...(once_per.length === 0 ? {} : { once_per }),
  };
  // The whole event instead of single fields: EventBridge inserts fields as text, so a value could change the JSON
  // around it (EventBridge user guide, "Input transformation").
  return `{"start":${JSON.stringify(start)},"event":<aws.events.event.json>}`;
}

/** Reads the starts. Their names must differ. */
export function eventStarts(cursor: Cursor): EventStart[] | undefined {
  return unique(cursor, 'start', eventStart);
}

function eventStart(cursor: Cursor): EventStart | undefined {
  const object = cursor.object();
  if (object === undefined) return undefined;
  const name = object.need('name', 'write a short name, such as "arrivals"', startName);
  const workflow_id = object.need('workflow_id', 'name the workflow to start', workflowId);
  const isS3 = object.has('s3');
  const pattern = isS3 === object.has('pattern') ? notOne(object, isS3) : readPattern(object);
  const event_bus = object.take('event_bus', (field) => field.text(bus)) ?? 'default';
  if (isS3 && event_bus !== 'default')
    cursor.report('has both s3 and event_bus', 'remove event_bus: S3 sends its events to the default bus');
  const parameters = object.take('parameters', (field) => readParameters(field, value));
  const once_per = object.take('once_per', (field) => {
    const paths = field.list((item) => item.text(path));
    return paths?.length === 0 ? field.report('is empty', 'remove it to use the id of the event') : paths;
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
    `needs an input template of ${length} characters; EventBridge accepts ${LONGEST_TEMPLATE}`,
    'shorten its parameters',
  );
}

function notOne(object: ObjectReader, both: boolean): undefined {
  readPattern(object);
  return object.cursor.report(
    both ? 'has both s3 and pattern' : 'has neither s3 nor pattern',
    'write either "s3": {"bucket": "…"} or a "pattern"',
  );
}

function readPattern(object: ObjectReader): EventPattern | undefined {
  const given = object.take('pattern', eventPattern);
  return object.take('s3', s3) ?? given;
}

/** Reads the bucket whose new objects start runs. */
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
  // A list means "one of them", so a prefix and a suffix together are one wildcard.
  const escaped = (text = ''): string => text.replaceAll(/[\\*]/g, '\\$&');
  const matcher =
    prefix === undefined
      ? { suffix }
      : suffix === undefined
        ? { prefix }
        : { wildcard: `${escaped(prefix)}*${escaped(suffix)}` };
  return { object: { key: [matcher] } };
}
