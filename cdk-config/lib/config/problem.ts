/** Problems of a configuration, reported as the workflow validator reports them: where, what, and a hint. */

/** One problem. */
export interface Problem {
  /** Where, such as `schedules[0].expression`. */
  readonly path: string;
  /** What; it completes "path: …". */
  readonly message: string;
  /** What to do. */
  readonly hint?: string;
}

/** Shows a problem, with its hint on a line of its own. */
export function showProblem({ path, message, hint }: Problem): string {
  return hint === undefined ? `${path}: ${message}` : `${path}: ${message}\n  hint: ${hint}`;
}

/** A configuration with problems. The message lists all of them. */
export class ConfigError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`;
    const list = problems.map((problem) => `  ${showProblem(problem).replaceAll('\n', '\n  ')}`);
    super(`the configuration has ${count}:\n${list.join('\n')}`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** The candidate that a misspelled word most likely stands for, if one is close enough. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    if (word.length >= 3 && candidate.startsWith(word)) return candidate;
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase());
    if (best === undefined || distance < best.distance) best = { candidate, distance };
  }
  const closeEnough = Math.max(1, Math.floor(word.length / 3));
  return best !== undefined && best.distance <= closeEnough ? best.candidate : undefined;
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
