/** Writes `permissions.json`, which `rsqlflow doctor --aws` contains. */
import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { HOME } from '../lib/package.js';
import { permissionsFile } from '../lib/permissions/expected.js';

writeFileSync(resolve(HOME, 'permissions.json'), permissionsFile());
