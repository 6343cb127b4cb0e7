import { expect, test } from 'vitest';

import { FUNCTIONS, MACHINES } from '../lib/contract.js';
import { expectedPermissions, permissionsFile } from '../lib/permissions/expected.js';
import { repository } from './support.js';

test('permissions.json, which the doctor is built with, is what is deployed: `npm run permissions`', () => {
  expect(repository('cdk-config/permissions.json')).toBe(permissionsFile());
});

test('it tells every role, and leaves nothing of a template unresolved', () => {
  const { functions, machines, agent } = expectedPermissions();
  expect(Object.keys(functions)).toEqual([...FUNCTIONS]);
  expect(Object.keys(machines)).toEqual([...MACHINES]);
  expect(agent.length).toBeGreaterThan(3);
  expect(permissionsFile()).not.toMatch(/Fn::|"Ref"|Token\[/);
});
