/** What is wrong with a configuration, told as the workflow validator tells it: where, what, and a mend. */

/** One thing that is wrong. */
export interface Problem {
  /** Where, as `schedules[0].cron`. */
  readonly path: string;
  /** What, as it completes "path: …". */
  readonly message: string;
  /** How to mend it. */
  readonly mend?: string;
}

/** Shows a problem in a line. */
export function showProblem({ path, message, mend }: Problem): string {
  return mend === undefined ? `${path}: ${message}` : `${path}: ${message} — ${mend}`;
}

/** A configuration with problems; the message holds all of them. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    super(`the configuration has ${count}:\n${problems.map((p) => `  ${showProblem(p)}`).join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The candidate that a misspelt word is most likely meant to be, if one is near enough. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    if (word.length >= 3 && candidate.startsWith(word)) return candidate;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  const nearEnough = Math.max(1, Math.floor(word.length / 3));
  return best !== undefined && best.distance <= nearEnough ? best.candidate : undefined;
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, substituted));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
