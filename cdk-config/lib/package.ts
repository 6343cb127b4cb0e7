import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Annotations, CfnRule, Fn, type Stack } from 'aws-cdk-lib';

/** The directory `cdk-config/`. Relative paths of the configuration start here. */
export const HOME = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** Stands in for a package that is not built, so that templates can be made and reviewed. */
const PLACEHOLDER = resolve(HOME, 'lib/not-built');

/** The definition of a state machine: of `statemachines/`, where those that run workflows are, or of this app. */
export function machineDefinition(name: string): string {
  const found = ['../statemachines', 'machines']
    .map((folder) => resolve(HOME, folder, `${name}.asl.json`))
    .find((path) => existsSync(path));
  if (found === undefined) throw new Error(`the state machine ${name} has no definition`);
  return readFileSync(found, 'utf8');
}

/** A file or directory that `make package` builds. */
export interface Package {
  readonly path: string;
  readonly isBuilt: boolean;
}

/** Finds a package. */
export function findPackage(path: string): Package {
  const absolute = resolve(HOME, path);
  return existsSync(absolute) ? { path: absolute, isBuilt: true } : { path: PLACEHOLDER, isBuilt: false };
}

/** SHA-256 of a package that is a file. */
export function sha256(path: string): string {
  return statSync(path).isFile() ? createHash('sha256').update(readFileSync(path)).digest('hex') : '';
}

/**
 * Reports that a package is missing, and makes CloudFormation refuse the template before it creates anything. Templates
 * can be reviewed without packages, but not deployed.
 */
export function refuseWithout(stack: Stack, setting: string, path: string): void {
  const message = `${path} does not exist (relative to cdk-config/): run \`make package\`, or set ${setting} to the path of the package`;
  Annotations.of(stack).addWarningV2(
    `rsqlflow:${setting}`,
    `${message}. A template that is synthesized without it cannot be deployed`,
  );
  new CfnRule(stack, `Has${setting.replaceAll(/(^|_)([a-z])/g, (_, __, c: string) => c.toUpperCase())}`, {
    assertions: [{ assert: Fn.conditionEquals('built', 'missing'), assertDescription: message }],
  });
}
