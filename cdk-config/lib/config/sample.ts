import type { ObjectReader } from './reader.js';
import type { Problem } from './problem.js';

/** What a setting of AWS's sample becomes. Its `cdk.json` has five of them under `environment`. */
interface Translated {
  /** The setting here. */
  readonly setting: string;
  /** Its value here. */
  readonly value: unknown;
}

const withoutSlash = (value: unknown): unknown =>
  typeof value === 'string' && value.length > 1 ? value.replace(/\/+$/, '') : value;

const TRANSLATIONS: Readonly<Record<string, (value: unknown) => Translated>> = {
  ec2_instance_id: (value) => ({ setting: 'default_target', value: { instance_ids: [value] } }),
  redshift_secret_id: (value) => ({ setting: 'default_secret', value }),
  rsql_script_path: (value) => ({ setting: 'script_dir', value: withoutSlash(value) }),
  rsql_log_path: (value) => ({ setting: 'log_dir', value: withoutSlash(value) }),
  // The wrapper's folder is where the sample keeps get_redshift_creds.sh, which its scripts still source.
  rsql_script_wrapper: (value) => ({
    setting: 'creds_dir',
    value: typeof value === 'string' ? value.replace(/\/[^/]*$/, '') || '/' : value,
  }),
};

/** Names of the sample's settings. */
export const SAMPLE_SETTINGS = Object.keys(TRANSLATIONS);

/** Takes the sample's settings, notes what they mean here, and answers with them as settings of ours. */
export function translate(
  given: ReadonlyMap<string, unknown>,
  own: ObjectReader,
  problems: Problem[],
  hints: string[],
): Map<string, { value: unknown; from: string }> {
  const translated = new Map<string, { value: unknown; from: string }>();
  for (const [name, value] of given) {
    const { setting, value: here } = TRANSLATIONS[name]?.(value) ?? {};
    if (setting === undefined) continue;
    if (own.has(setting) && name === 'rsql_script_wrapper') {
      hints.push(wrapperHint(undefined));
      continue;
    }
    if (own.has(setting)) {
      problems.push({
        path: name,
        message: `says what ${setting} says too`,
        mend: `leave one of them out: ${setting} is the one to keep`,
      });
      continue;
    }
    translated.set(setting, { value: here, from: name });
    hints.push(
      name === 'rsql_script_wrapper'
        ? wrapperHint(here)
        : `${name} of AWS's sample is taken as ${setting} = ${JSON.stringify(here)}`,
    );
  }
  return translated;
}

function wrapperHint(folder: unknown): string {
  const kept =
    folder === undefined
      ? ''
      : `; its folder is taken as creds_dir = ${JSON.stringify(folder)}, for get_redshift_creds.sh`;
  return `rsql_script_wrapper is no longer needed: the agent starts the scripts itself${kept}`;
}
