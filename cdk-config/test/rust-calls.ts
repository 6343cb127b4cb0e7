/** What the functions call, read from their Rust text: which files a handler reaches, and which operations those send. */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

import { HOME } from '../lib/package.js';

const LAMBDAS = resolve(HOME, '../lambdas/src');
const STORE = resolve(HOME, '../store/src');

const pascal = (snake: string): string => snake.replaceAll(/(?:^|_)([a-z])/g, (_, c: string) => c.toUpperCase());

/** A file's text without its tests and comments. */
function source(path: string): string {
  const [code = ''] = readFileSync(path, 'utf8').split(/^#\[cfg\(test\)\]\nmod \w+ \{/m);
  return code.replaceAll(/^\s*\/\/.*$/gm, '');
}

function files(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    return statSync(path).isDirectory() ? files(path) : name.endsWith('.rs') && name !== 'tests.rs' ? [path] : [];
  });
}

/** The file of a module below a folder, if it is one. */
function moduleFile(folder: string, name: string): string | undefined {
  return [join(folder, `${name}.rs`), join(folder, name, 'mod.rs')].find(existsSync);
}

/** A function of a file; those of one name are taken together. */
interface Fn {
  readonly file: string;
  readonly name: string;
  readonly body: string;
}

const parsed = new Map<string, Map<string, Fn>>();

/** The functions of a file, by name. */
function functions(file: string): Map<string, Fn> {
  const known = parsed.get(file);
  if (known !== undefined) return known;
  const found = new Map<string, Fn>();
  for (const body of source(file)
    .split(/(?=\bfn \w+)/)
    .slice(1)) {
    const name = /^fn (\w+)/.exec(body)?.[1] ?? '';
    found.set(name, { file, name, body: `${found.get(name)?.body ?? ''}\n${body}` });
  }
  parsed.set(file, found);
  return found;
}

/** Where a path leads from a folder, if to a function. Re-exports are followed. */
function follow(folder: string, [step = '', ...rest]: readonly string[]): Fn | undefined {
  const file = moduleFile(folder, step);
  const [name] = rest;
  if (file === undefined || name === undefined) return undefined;
  const inner = join(folder, step);
  const here = rest.length === 1 ? functions(file).get(name) : undefined;
  if (here !== undefined || rest.length > 1) return here ?? follow(inner, rest);
  for (const [, module = '', names = ''] of source(file).matchAll(/\buse (\w+)::(\w+|\{[^}]*\});/g))
    if (new RegExp(`\\b${name}\\b`).test(names)) return follow(inner, [module, name]);
  return undefined;
}

/** Every path that stands in `{…}` or alone: `a::{b, c::d}` is `a::b` and `a::c::d`. */
function paths(text: string): string[][] {
  const [, before = '', inner] = /^((?:\w+::)*)(?:\{([^}]*)\}|\w+)$/.exec(text) ?? [];
  const steps = before.split('::').filter((step) => step !== '');
  const last = inner === undefined ? [text.slice(before.length)] : inner.split(',');
  return last.map((name) => [...steps, ...name.trim().split('::')]).filter((path) => path.at(-1) !== '');
}

/** The functions that one calls, as far as they are ours. */
function called({ file, body }: Fn): Fn[] {
  const isCalled = (path: string): boolean => new RegExp(`\\b${path}\\s*\\(`).test(body);
  const inner = file.endsWith('/mod.rs') ? resolve(file, '..') : file.replace(/\.rs$/, '');
  const roots: Readonly<Record<string, string>> = { crate: LAMBDAS, super: resolve(inner, '..') };
  const text = source(file);
  const found: (Fn | undefined)[] = [...functions(file).values()].filter((fn) => isCalled(fn.name));
  // What every handler is given.
  const context = functions(join(LAMBDAS, 'context.rs'));
  for (const [, name = ''] of body.matchAll(/\bcontext\s*\.(\w+)\(/g)) found.push(context.get(name));
  const imported = [...text.matchAll(/\b(crate|super)::((?:\w+::)*(?:\{[^}]*\}|\w+))/g)].flatMap(
    ([, root = '', path = '']) => paths(path).map((steps) => ({ folder: roots[root] ?? '', steps })),
  );
  const own = [...text.matchAll(/^(?:pub(?:\(\w+\))? )?mod (\w+);/gm)].map(([, name = '']) => ({
    folder: inner,
    steps: [name],
  }));
  for (const { folder, steps } of [...imported, ...own]) {
    const last = steps.at(-1) ?? '';
    if (isCalled(last)) found.push(follow(folder, steps));
    for (const [, name = ''] of body.matchAll(new RegExp(`\\b${last}::(\\w+)\\s*\\(`, 'g')))
      found.push(follow(folder, [...steps, name]));
  }
  return found.filter((fn) => fn !== undefined);
}

/** Every function that a handler reaches. */
function reach(handler: string): Set<Fn> {
  const entry = follow(LAMBDAS, [handler.replaceAll('-', '_'), 'handle']);
  if (entry === undefined) throw new Error(`there is no handler ${handler}`);
  const seen = new Set([entry]);
  for (const fn of seen) for (const other of called(fn)) seen.add(other);
  return seen;
}

/** Operations that each method of a table sends, as `GetItem`; a query of an index as `Query/index`. */
function methods(paths: string[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const known = (): number => [...found.values()].reduce((sum, sent) => sum + sent.size, 0);
  // Methods call methods of other files, in whatever order these are read.
  for (let before = -1; before < known();) {
    before = known();
    for (const path of paths) readMethods(path, found);
  }
  return found;
}

function readMethods(path: string, found: Map<string, Set<string>>): void {
  for (const body of source(path)
    .split(/(?=\bfn \w+)/)
    .slice(1)) {
    const name = /^fn (\w+)/.exec(body)?.[1] ?? '';
    const sent = found.get(name) ?? new Set();
    for (const [, call = ''] of body.matchAll(/\.(get_item|put_item|update_item|delete_item|query|scan)\(\)/g))
      sent.add(body.includes('.index_name(') ? `${pascal(call)}/index` : pascal(call));
    if (/\bput_if_absent\(/.test(body)) sent.add('PutItem');
    if (/\bitem::get\(|self\.get_item\(/.test(body)) sent.add('GetItem');
    if (/\bself\.update\(|\.send\(&self\.client, &self\.table/.test(body)) sent.add('UpdateItem');
    for (const [, other = ''] of body.matchAll(/self\.(\w+)\(/g))
      for (const operation of found.get(other) ?? []) sent.add(operation);
    found.set(name, sent);
  }
}

const TABLES = {
  config: methods([join(STORE, 'config.rs')]),
  workflows: methods([join(STORE, 'workflow_audit.rs')]),
  jobs: methods(files(join(STORE, 'job_audit'))),
};

const isCaller = (text: string): boolean => /\.(sfn|ssm|sns)\s*\.\w+\(|\.store\b/.test(text);

/** The operations that a text sends. */
function sent({ file, body }: Fn): string[] {
  const found = [...body.matchAll(/\.(sfn|ssm|sns)\s*\.(\w+)\(/g)].map(
    ([, service = '', call = '']) => `${service} ${pascal(call)}`,
  );
  for (const [table, known] of Object.entries(TABLES)) {
    const handles = [...body.matchAll(new RegExp(`let (\\w+) = [^;]*\\.store\\s*\\.${table}\\(\\);`, 'g'))];
    const places = [`\\bstore\\s*\\.${table}\\(\\)`, ...handles.map(([, name = '']) => `\\b${name}`)].join('|');
    for (const [, method = ''] of body.matchAll(new RegExp(`(?:${places})\\s*\\.(\\w+)\\(`, 'g'))) {
      const operations = known.get(method);
      if (operations === undefined && !['clone', 'iter', 'into_iter'].includes(method))
        throw new Error(`${file}: ${table} has no method ${method}`);
      found.push(...[...(operations ?? [])].map((operation) => `${table} ${operation}`));
    }
  }
  return found;
}

/** Every operation that a function of the deployment may send: `workflows GetItem`, `sfn StopExecution`. */
export function calls(handler: string): string[] {
  return [...new Set([...reach(handler)].flatMap(sent))].sort();
}

/** Functions that call a service and that none of these handlers was found to reach. */
export function overlooked(handlers: readonly string[]): string[] {
  const reached = new Set(handlers.flatMap((handler) => [...reach(handler)]));
  return files(LAMBDAS)
    .flatMap((file) => [...functions(file).values()])
    .filter((fn) => isCaller(fn.body) && !reached.has(fn))
    .map(({ file, name }) => `${file.slice(LAMBDAS.length + 1)}: ${name}`);
}
