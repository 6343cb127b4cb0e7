import { type Problem, didYouMean } from './problem.js';

/** Why a text breaks a rule; `undefined` if it does not. */
export type Broken = { readonly message: string; readonly hint?: string } | undefined;

/** A rule that a text must follow. */
export type Rule = (text: string) => Broken;

/** A value and its place. Every problem with it goes into one list. */
export class Cursor {
  constructor(
    readonly value: unknown,
    readonly path: string,
    private readonly problems: Problem[],
  ) {}

  /** Records a problem and returns `undefined`. */
  report(message: string, hint?: string): undefined {
    const path = this.path === '' ? 'rsqlflow' : this.path;
    this.problems.push(hint === undefined ? { path, message } : { path, message, hint });
    return undefined;
  }

  /** A value inside this one. */
  below(value: unknown, step: string): Cursor {
    const path = step.startsWith('[') || this.path === '' ? `${this.path}${step}` : `${this.path}.${step}`;
    return new Cursor(value, path, this.problems);
  }

  text(rule?: Rule): string | undefined {
    if (typeof this.value !== 'string') return this.wrongType('a string');
    const broken = rule?.(this.value);
    return broken === undefined
      ? this.value
      : this.report(`${JSON.stringify(this.value)} ${broken.message}`, broken.hint);
  }

  flag(): boolean | undefined {
    return typeof this.value === 'boolean' ? this.value : this.wrongType('true or false');
  }

  whole(least: number, most: number): number | undefined {
    if (typeof this.value !== 'number' || !Number.isInteger(this.value)) return this.wrongType('a whole number');
    if (this.value >= least && this.value <= most) return this.value;
    return this.report(`${this.value} is not between ${least} and ${most}`);
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
    if (!Array.isArray(this.value)) return this.wrongType('a list');
    const items = this.value.map((item, i) => read(this.below(item, `[${i}]`)));
    return items.includes(undefined) ? undefined : (items as T[]);
  }

  entries(): [string, Cursor][] | undefined {
    if (typeof this.value !== 'object' || this.value === null || Array.isArray(this.value))
      return this.wrongType('an object');
    return Object.entries(this.value).map(([key, value]) => [key, this.below(value, key)]);
  }

  object(): ObjectReader | undefined {
    const entries = this.entries();
    return entries === undefined ? undefined : new ObjectReader(this, new Map(entries));
  }

  private wrongType(wanted: string): undefined {
    return this.report(`must be ${wanted}, but is ${kind(this.value)}`);
  }
}

/** Reads the fields of an object, and reports the ones that nobody reads. */
export class ObjectReader {
  private readonly known: string[] = [];

  constructor(
    readonly cursor: Cursor,
    private readonly fields: Map<string, Cursor>,
  ) {}

  has(name: string): boolean {
    return this.fields.has(name);
  }

  /** Reads a field. A field that is absent or `null` is `undefined`. */
  take<T>(name: string, read: (field: Cursor) => T | undefined): T | undefined {
    this.known.push(name);
    const field = this.fields.get(name);
    this.fields.delete(name);
    return field === undefined || field.value === null ? undefined : read(field);
  }

  /** Reads a field that is required. */
  need<T>(name: string, hint: string, read: (field: Cursor) => T | undefined): T | undefined {
    if (this.fields.get(name)?.value == null) {
      this.take(name, () => undefined);
      return this.cursor.report(`${name} is missing`, hint);
    }
    return this.take(name, read);
  }

  /** Reports the fields that nobody read. */
  finish(hints: ReadonlyMap<string, string> = new Map()): void {
    for (const [name, field] of this.fields) {
      const meant = didYouMean(name, this.known);
      const hint =
        hints.get(name) ??
        (meant === undefined ? `the settings are ${this.known.join(', ')}` : `did you mean ${JSON.stringify(meant)}?`);
      field.report('is not a setting', hint);
    }
  }
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}

function kind(value: unknown): string {
  if (value === null || value === undefined) return 'missing';
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : show(value);
}
