import { ConfigError, type Problem } from './problem.js';
import { Cursor, ObjectReader } from './reader.js';
import { SAMPLE_SETTINGS, translate } from './sample.js';
import { SETTINGS, type Config } from './settings.js';

/** Where `cdk.json` has the configuration, in its `context`. */
export const CONTEXT_KEY = 'rsqlflow';

/** Where AWS's sample has its settings. */
const SAMPLE_KEY = 'environment';

/** A configuration, and what to tell the reader of it that is no problem. */
export interface Read {
  readonly config: Config;
  readonly hints: readonly string[];
}

/**
 * Reads the configuration from a context. `cdk -c rsqlflow='{…}'` gives it as a text of JSON.
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
      `log_group is ${log_group}; beside another deployment in the account it must be one of its own, such as ` +
        `"${log_group}${prefix}/", which RSQLFLOW_LOG_GROUP tells the command line`,
    );
  // Every setting was read by its own reader or is its own default.
  return { config: config as unknown as Config, hints };
}

/** Runs of schedules and events are told from each other by the names in their ids. */
function differ({ schedules, event_starts }: Config, cursor: Cursor): void {
  for (const [i, { name }] of event_starts.entries()) {
    if (schedules.some((schedule) => schedule.name === name))
      cursor.below(undefined, `event_starts[${i}]`).report(`has the name of a schedule: ${JSON.stringify(name)}`);
  }
}

/** `false` where a file is left out on purpose; `null`, as everywhere, is the default. */
const LEFT_OUT = Symbol('left out');

function isLeftOut(name: string, field: Cursor): boolean {
  return (name === 'agent_rpm' || name === 'agent_deb') && field.value === false;
}

/** Names that people try. */
const MOVED: ReadonlyMap<string, string> = new Map([
  ['region', 'deploy with AWS_REGION or --profile: the configuration is the same everywhere'],
  ['account', 'deploy with the credentials of the account: the configuration is the same everywhere'],
]);

function parsed(value: unknown, path: string, problems: Problem[]): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value) as unknown;
  } catch (error) {
    problems.push({
      path,
      message: `is not JSON: ${(error as Error).message}`,
      mend: `write -c ${path}='{"prefix": "team"}'`,
    });
    return undefined;
  }
}
