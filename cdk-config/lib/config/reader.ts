import { type Problem, didYouMean } from './problem.js';

/** Why a text breaks a rule, or `undefined` when it keeps it. */
export type Broken = { readonly message: string; readonly mend?: string } | undefined;

/** A rule that a text must keep. */
export type Rule = (text: string) => Broken;

/** A value and its place. Whatever is wrong with it goes to the one list of problems. */
export class Cursor {
  constructor(
    readonly value: unknown,
    readonly path: string,
    private readonly problems: Problem[],
  ) {}

  /** Notes a problem and answers with nothing. */
  report(message: string, mend?: string): undefined {
    const path = this.path === '' ? 'rsqlflow' : this.path;
    this.problems.push(mend === undefined ? { path, message } : { path, message, mend });
    return undefined;
  }

  /** A value below this one. */
  below(value: unknown, step: string): Cursor {
    const path = step.startsWith('[') || this.path === '' ? `${this.path}${step}` : `${this.path}.${step}`;
    return new Cursor(value, path, this.problems);
  }

  text(rule?: Rule): string | undefined {
    if (typeof this.value !== 'string') return this.report(`${kind(this.value)} where a text is wanted`);
    const broken = rule?.(this.value);
    return broken === undefined
      ? this.value
      : this.report(`${JSON.stringify(this.value)} ${broken.message}`, broken.mend);
  }

  flag(): boolean | undefined {
    if (typeof this.value === 'boolean') return this.value;
    return this.report(`${kind(this.value)} where true or false is wanted`);
  }

  whole(least: number, most: number): number | undefined {
    if (typeof this.value !== 'number' || !Number.isInteger(this.value)) {
      return this.report(`${kind(this.value)} where a whole number is wanted`);
    }
    if (this.value >= least && this.value <= most) return this.value;
    return this.report(`${this.value} is not from ${least} to ${most}`);
  }

  oneOf<T extends string>(choices: readonly T[]): T | undefined {
    const choice = choices.find((c) => c === this.value);
    if (choice !== undefined) return choice;
    const meant = typeof this.value === 'string' ? didYouMean(this.value, choices) : undefined;
    return this.report(
      `${show(this.value)} is not one of ${choices.join(', ')}`,
      meant === undefined ? undefined : `did you mean ${JSON.stringify(meant)}?`,
    );
  }

  list<T>(read: (item: Cursor) => T | undefined): T[] | undefined {
    if (!Array.isArray(this.value)) return this.report(`${kind(this.value)} where a list is wanted`);
    const items = this.value.map((item, i) => read(this.below(item, `[${i}]`)));
    return items.includes(undefined) ? undefined : (items as T[]);
  }

  entries(): [string, Cursor][] | undefined {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value)) {
      return this.report(`${kind(this.value)} where an object is wanted`);
    }
    return Object.entries(this.value).map(([key, value]) => [key, this.below(value, key)]);
  }

  object(): ObjectReader | undefined {
    const entries = this.entries();
    return entries === undefined ? undefined : new ObjectReader(this, new Map(entries));
  }
}

/** Takes fields out of an object until none is left. */
export class ObjectReader {
  private readonly known: string[] = [];

  constructor(
    readonly cursor: Cursor,
    private readonly fields: Map<string, Cursor>,
  ) {}

  has(name: string): boolean {
    return this.fields.has(name);
  }

  /** A field; absent and `null` alike are nothing. */
  take<T>(name: string, read: (field: Cursor) => T | undefined): T | undefined {
    this.known.push(name);
    const field = this.fields.get(name);
    this.fields.delete(name);
    return field === undefined || field.value === null ? undefined : read(field);
  }

  /** A field that must be there. */
  need<T>(name: string, mend: string, read: (field: Cursor) => T | undefined): T | undefined {
    if (this.fields.get(name)?.value == null) {
      this.take(name, () => undefined);
      return this.cursor.report(`has no ${name}`, mend);
    }
    return this.take(name, read);
  }

  /** Reports what nobody took. */
  finish(mends: ReadonlyMap<string, string> = new Map()): void {
    for (const [name, field] of this.fields) {
      const meant = didYouMean(name, this.known);
      const mend =
        mends.get(name) ??
        (meant === undefined ? `there are ${this.known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`);
      field.report('is not a setting here', mend);
    }
  }
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function kind(value: unknown): string {
  if (value === null || value === undefined) return 'is nothing';
  if (Array.isArray(value)) return 'is a list';
  return typeof value === 'object' ? 'is an object' : `is ${show(value)}`;
}
