/**
 * Everything that can be known of the deployment without deploying it: types, properties of the templates, cdk-nag,
 * the machines' definitions, `cdk synth` as a user runs it, and cfn-lint (`CFN_LINT`, or on the PATH; `make check-cdk`
 * installs it). Steps that need nothing of each other run side by side.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOME = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(HOME, 'node_modules/.bin', name);

/** Runs a step. Its output is shown when it fails. */
function step(name, command, args) {
  const started = Date.now();
  return new Promise((done) => {
    const chunks = [];
    const child = spawn(command, args, { cwd: HOME, env: { ...process.env, NO_COLOR: '1' } });
    child.stdout.on('data', (chunk) => chunks.push(chunk));
    child.stderr.on('data', (chunk) => chunks.push(chunk));
    child.on('error', (error) => done({ name, ok: false, missing: error.code === 'ENOENT', output: String(error) }));
    child.on('close', (code) =>
      done({ name, ok: code === 0, seconds: (Date.now() - started) / 1000, output: Buffer.concat(chunks).toString() }),
    );
  });
}

function tell({ name, ok, seconds, output }) {
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name}${seconds === undefined ? '' : `  ${seconds.toFixed(1)} s`}`);
  if (!ok) console.log(output.replaceAll(/^/gm, '    '));
  return ok;
}

/**
 * Copies of the templates for cfn-lint, which does not fill DefinitionSubstitutions before it checks the ARNs of a
 * definition.
 */
function templates(folder) {
  const variants = 'node_modules/.cache/variants';
  const found = ['cdk.out', ...readdirSync(join(HOME, variants)).map((name) => join(variants, name))];
  return found.flatMap((from) =>
    readdirSync(join(HOME, from))
      .filter((file) => file.endsWith('.template.json'))
      .map((file) => {
        const to = join(folder, `${from.replaceAll('/', '-')}-${file}`);
        writeFileSync(to, readFileSync(join(HOME, from, file), 'utf8').replaceAll('arn:${Partition}:', 'arn:aws:'));
        return to;
      }),
  );
}

async function lint() {
  const folder = mkdtempSync(join(tmpdir(), 'rsqlflow-lint-'));
  try {
    // W3005: CDK names a role that the function names anyway. W8003: the refusal of packages that are not built.
    const args = ['--ignore-checks', 'W3005', 'W8003', '--', ...templates(folder)];
    const result = await step('cfn-lint', process.env.CFN_LINT ?? 'cfn-lint', args);
    if (!result.missing) return tell(result);
    const mend =
      'cfn-lint is not there, so the templates were not linted: `make check-cdk` installs it and calls this; or ' +
      '`pip install --require-hashes -r requirements.txt`, with CFN_LINT naming the program if it is not on the PATH';
    return tell({ ...result, output: mend });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const types = Promise.all([
  step('prettier', bin('prettier'), ['--check', '.']).then(tell),
  step('tsc', bin('tsc'), []).then(tell),
]);
// One after the other: both load all of CDK, which is most of their time and memory.
const tests = await step('vitest, asl-validator, cdk-nag', bin('vitest'), ['run']).then(tell);
const synth = await step('cdk synth', bin('cdk'), ['synth', '--quiet', '--no-notices']).then(tell);
const linted = tests && synth ? await lint() : false;
process.exitCode = [...(await types), tests, synth, linted].every(Boolean) ? 0 : 1;
