import { ConfigError, type Problem } from './problem.js';
import { Cursor, ObjectReader } from './reader.js';
import { SAMPLE_SETTINGS, translate } from './sample.js';
import { SETTINGS, type Config } from './settings.js';

/** The key of the configuration in the `context` of `cdk.json`. */
export const CONTEXT_KEY = 'rsqlflow';

/** The key of the settings of AWS's sample. */
const SAMPLE_KEY = 'environment';

/** A configuration, and hints that are not problems. */
export interface Read {
  readonly config: Config;
  readonly hints: readonly string[];
}

/**
 * Reads the configuration from the context. `cdk -c rsqlflow='{…}'` passes it as JSON text.
 *
 * @throws ConfigError with every problem at once.
 */
export function readConfig(context: (key: string) => unknown): Read {
  const problems: Problem[] = [];
  const hints: string[] = [];
  const given = parsed(context(CONTEXT_KEY), CONTEXT_KEY, problems) ?? {};
  const sample = parsed(context(SAMPLE_KEY), SAMPLE_KEY, problems) ?? {};
  const cursor = new Cursor(given, '', problems);
  const entries = cursor.entries();
  if (entries === undefined) throw new ConfigError(problems);

  const isSamples = (name: string): boolean => SAMPLE_SETTINGS.includes(name);
  const own = new ObjectReader(cursor, new Map(entries.filter(([name]) => !isSamples(name))));
  const samples = new Map([
    ...Object.entries(typeof sample === 'object' && sample !== null ? sample : {}).filter(([name]) => isSamples(name)),
    ...entries.filter(([name]) => isSamples(name)).map(([name, field]) => [name, field.value] as const),
  ]);
  const translated = translate(samples, own, problems, hints);

  const config: Record<string, unknown> = {};
  for (const [name, { read, fallback }] of Object.entries(SETTINGS)) {
    const taken = own.take<unknown>(name, (field) => (isLeftOut(name, field) ? LEFT_OUT : (read(field) ?? fallback)));
    const from = translated.get(name);
    const foreign = from === undefined ? undefined : (read(new Cursor(from.value, from.from, problems)) as unknown);
    config[name] = taken === LEFT_OUT ? undefined : (taken ?? foreign ?? fallback);
  }
  differ(config as unknown as Config, cursor);
  own.finish(MOVED);
  if (problems.length > 0) throw new ConfigError(problems);
  const { prefix, log_group } = config as unknown as Config;
  if (prefix !== SETTINGS.prefix.fallback && log_group === SETTINGS.log_group.fallback)
    hints.push(
      `log_group is ${log_group}. If another deployment in this account uses it, set a log_group of its own, such as ` +
        `"${log_group}${prefix}/", and set RSQLFLOW_LOG_GROUP for the command line`,
    );
  // Each setting is what its reader returned, or its default.
  return { config: config as unknown as Config, hints };
}

/** The ids of runs begin with the name of what started them, so a schedule and an event must not share a name. */
function differ({ schedules, event_starts }: Config, cursor: Cursor): void {
  for (const [i, { name }] of event_starts.entries()) {
    if (schedules.some((schedule) => schedule.name === name))
      cursor.below(undefined, `event_starts[${i}]`).report(`has the name of a schedule: ${JSON.stringify(name)}`);
  }
}

/** `false` means that a package is left out on purpose. `null` is the default, as everywhere. */
const LEFT_OUT = Symbol('left out');

function isLeftOut(name: string, field: Cursor): boolean {
  return (name === 'agent_rpm' || name === 'agent_deb') && field.value === false;
}

/** Hints for names that are not settings here. */
const MOVED: ReadonlyMap<string, string> = new Map([
  ['region', 'set AWS_REGION or --profile when you deploy'],
  ['account', 'use credentials of the account when you deploy'],
]);

function parsed(value: unknown, path: string, problems: Problem[]): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch (error) {
    problems.push({
      path,
      message: `is not JSON: ${(error as Error).message}`,
      hint: `write -c ${path}='{"prefix": "team"}'`,
    });
    return undefined;
  }
}
