import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Annotations, CfnRule, Fn, type Stack } from 'aws-cdk-lib';

/** The folder `cdk-config/`, from which relative paths of the configuration start. */
export const HOME = resolve(dirname(fileURLToPath(import.meta.url)), '..');

/** What stands in for a package that is not built yet, so that templates can be made and looked at. */
const PLACEHOLDER = resolve(HOME, 'lib/not-built');

/** A file or folder that was built before. */
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
 * Says that a package is missing, and lets CloudFormation refuse the template before it makes anything: templates can
 * be looked at without it, but not deployed.
 */
export function refuseWithout(stack: Stack, setting: string, path: string): void {
  const message = `${path} is not there, seen from cdk-config/: run \`make package\`, or set ${setting} to where the package is`;
  Annotations.of(stack).addWarningV2(
    `rsqlflow:${setting}`,
    `${message}. What is synthesised without it cannot be deployed`,
  );
  new CfnRule(stack, `Has${setting.replaceAll(/(^|_)([a-z])/g, (_, __, c: string) => c.toUpperCase())}`, {
    assertions: [{ assert: Fn.conditionEquals('built', 'missing'), assertDescription: message }],
  });
}
