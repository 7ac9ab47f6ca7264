import { bulkWrites } from './bulk-writes.js';
import { changeStreams } from './change-streams.js';
import { clusterTime } from './cluster-time.js';
import { conflicts } from './conflicts.js';
import { failOver } from './fail-over.js';
import { failPoints } from './fail-points.js';
import { failedOperations } from './failed-operations.js';
import { indexes } from './indexes.js';
import { interleavings } from './interleavings.js';
import { mixedWriters } from './mixed-writers.js';
import { plainWrites } from './plain-writes.js';
import { retryableWrites } from './retryable-writes.js';
import type { Servers } from './server-under-test.js';
import { snapshots } from './snapshots.js';
import { transactionEnds } from './transaction-ends.js';
import { waitingWrites } from './waiting-writes.js';
import { wholeCommits } from './whole-commits.js';
import { wire } from './wire.js';

/** Every suite, from the bytes up to what a transaction promises. */
export const SUITES: readonly ((servers: Servers) => void)[] = [
  wire,
  plainWrites,
  indexes,
  conflicts,
  snapshots,
  wholeCommits,
  interleavings,
  waitingWrites,
  failedOperations,
  transactionEnds,
  retryableWrites,
  mixedWriters,
  bulkWrites,
  clusterTime,
  changeStreams,
  failPoints,
  failOver,
];
