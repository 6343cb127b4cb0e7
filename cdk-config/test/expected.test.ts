import { expect, test } from 'vitest';

import { FUNCTIONS, MACHINES } from '../lib/contract.js';
import { expectedPermissions, permissionsFile } from '../lib/permissions/expected.js';
import { repository } from './support.js';

test('permissions.json, which the doctor contains, is current: `npm run permissions` writes it', () => {
  expect(repository('cdk-config/permissions.json')).toBe(permissionsFile());
});

test('permissions.json has every role, and no unresolved values of a template', () => {
  const { functions, machines, agent } = expectedPermissions();
  expect(Object.keys(functions)).toEqual([...FUNCTIONS]);
  expect(Object.keys(machines)).toEqual([...MACHINES]);
  expect(agent.length).toBeGreaterThan(3);
  expect(permissionsFile()).not.toMatch(/Fn::|"Ref"|Token\[/);
});
