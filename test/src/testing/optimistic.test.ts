import { databaseContract } from '@waybill/testing';
import { brokenDatabase } from './broken-database.js';
import { optimistic } from './optimistic-database.js';

// Not broken, only different: the kit must not take the manner of one adapter for the rule.
databaseContract(
  'optimistic',
  brokenDatabase(optimistic),
  { conflicts: 'at-commit', processes: false },
  { raceEvents: 300, interleavings: 8 },
);
