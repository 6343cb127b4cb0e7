import { SETTINGS } from './config/index.js';

/** Begin and end of the table of settings in `docs/deploy.md`. */
export const BEGIN = '<!-- settings: written by `npm run docs` in cdk-config/ -->';
export const END = '<!-- end of settings -->';

/** The table of settings. */
export function settingsTable(): string {
  const rows = Object.entries(SETTINGS).map(
    ([name, { fallback, defaultText, meaning }]: [
      string,
      { fallback: unknown; defaultText?: string; meaning: string },
    ]) => {
      const byDefault = defaultText ?? `\`${JSON.stringify(fallback)}\``;
      return `| \`${name}\` | ${meaning} | ${byDefault} |`;
    },
  );
  return ['| setting | meaning | default |', '| --- | --- | --- |', ...rows].join('\n');
}

/** A page with the current table. */
export function withSettings(page: string): string {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`the page does not contain ${BEGIN} and ${END}`);
  return `${before}${BEGIN}\n\n${settingsTable()}\n\n${END}${after}`;
}
