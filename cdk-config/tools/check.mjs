/**
 * Checks the deployment without deploying it: types, properties of the templates, cdk-nag, the definitions of the state
 * machines, `cdk synth`, and cfn-lint (`CFN_LINT`, or on the PATH; `make check-cdk` installs it). Independent steps run
 * in parallel.
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const HOME = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const bin = (name) => join(HOME, 'node_modules/.bin', name);

/** Runs a step. Its output is shown if it fails. */
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

function report({ name, ok, seconds, output }) {
  console.log(`${ok ? 'ok' : 'FAILED'}  ${name}${seconds === undefined ? '' : `  ${seconds.toFixed(1)} s`}`);
  if (!ok) console.log(output.replaceAll(/^/gm, '    '));
  return ok;
}

/**
 * Copies of the templates for cfn-lint, which checks the ARNs of a definition without its DefinitionSubstitutions.
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
    // W3005: CDK adds a dependency that exists by reference. W8003: the rule that refuses missing packages.
    const args = ['--ignore-checks', 'W3005', 'W8003', '--', ...templates(folder)];
    const result = await step('cfn-lint', process.env.CFN_LINT ?? 'cfn-lint', args);
    if (!result.missing) return report(result);
    const output =
      'cfn-lint is not installed, so the templates were not checked\n' +
      'hint: run `make check-cdk`, which installs it, or `pip install --require-hashes -r requirements.txt`, and set ' +
      'CFN_LINT to the program if it is not on the PATH';
    return report({ ...result, output });
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const types = Promise.all([
  step('prettier', bin('prettier'), ['--check', '.']).then(report),
  step('tsc', bin('tsc'), []).then(report),
]);
// One after the other: loading CDK takes most of their time and memory.
const tests = await step('vitest, asl-validator, cdk-nag', bin('vitest'), ['run']).then(report);
const synth = await step('cdk synth', bin('cdk'), ['synth', '--quiet', '--no-notices']).then(report);
const linted = tests && synth ? await lint() : false;
process.exitCode = [...(await types), tests, synth, linted].every(Boolean) ? 0 : 1;
