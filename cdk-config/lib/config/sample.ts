import type { ObjectReader } from './reader.js';
import type { Problem } from './problem.js';

/** A setting of AWS's sample as one of ours. The sample's `cdk.json` has five settings under `environment`. */
interface Translated {
  /** Our setting. */
  readonly setting: string;
  /** Our value. */
  readonly value: unknown;
}

const withoutSlash = (value: unknown): unknown =>
  typeof value === 'string' && value.length > 1 ? value.replace(/\/+$/, '') : value;

const TRANSLATIONS: Readonly<Record<string, (value: unknown) => Translated>> = {
  ec2_instance_id: (value) => ({ setting: 'default_target', value: { instance_ids: [value] } }),
  redshift_secret_id: (value) => ({ setting: 'default_secret', value }),
  rsql_script_path: (value) => ({ setting: 'script_dir', value: withoutSlash(value) }),
  rsql_log_path: (value) => ({ setting: 'log_dir', value: withoutSlash(value) }),
  // The sample keeps get_redshift_creds.sh in the directory of the wrapper, and its scripts still source it.
  rsql_script_wrapper: (value) => ({
    setting: 'creds_dir',
    value: typeof value === 'string' ? value.replace(/\/[^/]*$/, '') || '/' : value,
  }),
};

/** Names of the sample's settings. */
export const SAMPLE_SETTINGS = Object.keys(TRANSLATIONS);

/** Translates the sample's settings into ours, and adds a hint for each. */
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
        message: `sets the same as ${setting}`,
        hint: `remove ${name}`,
      });
      continue;
    }
    translated.set(setting, { value: here, from: name });
    hints.push(
      name === 'rsql_script_wrapper'
        ? wrapperHint(here)
        : `${name} of AWS's sample sets ${setting} = ${JSON.stringify(here)}`,
    );
  }
  return translated;
}

function wrapperHint(folder: unknown): string {
  const kept =
    folder === undefined
      ? ''
      : `; its directory sets creds_dir = ${JSON.stringify(folder)}, where get_redshift_creds.sh is`;
  return `rsql_script_wrapper is no longer needed: the agent starts the scripts${kept}`;
}
