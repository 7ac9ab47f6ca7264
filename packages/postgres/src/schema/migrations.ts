import type { Migration } from './migrations/migration.js';
import { version1 } from './migrations/version-1.js';
import { version2 } from './migrations/version-2.js';
import { version3 } from './migrations/version-3.js';
import { version4 } from './migrations/version-4.js';
import { version5 } from './migrations/version-5.js';

/** Ordered, each applied once. */
export const MIGRATIONS: readonly Migration[] = [version1, version2, version3, version4, version5];
