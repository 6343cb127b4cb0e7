/** Writes the table of settings into `docs/deploy.md`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { withSettings } from '../lib/docs.js';
import { HOME } from '../lib/package.js';

const page = resolve(HOME, '../docs/deploy.md');
writeFileSync(page, withSettings(readFileSync(page, 'utf8')));
