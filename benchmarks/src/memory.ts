import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { fill } from './backlog.js';
import type { Figure, Verdict } from './figure.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';

const ALLOWED_MB = 50;

export interface MemoryReport {
  /** Resident set in MB, from the first tenth of the backlog on. */
  readonly samples: readonly number[];
  readonly verdict: Verdict;
}

/** Resident memory of a dispatcher that drains a backlog, in a process of its own: flat, however long the backlog is. */
export async function memory<Tx>({ memoryBacklog }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const { database, address } = await scratch.shop();
  await fill(database, memoryBacklog);
  const child = fork(fileURLToPath(new URL('memory-process.js', import.meta.url)), [JSON.stringify(address), String(memoryBacklog)]);
  const [{ samples, verdict }] = (await once(child, 'message')) as [MemoryReport];
  await once(child, 'exit');

  const [least, most] = [Math.min(...samples), Math.max(...samples)];
  const swing = (most - least) / 2;
  return [
    {
      section: 'memory',
      name: `resident while draining ${memoryBacklog}, +-`,
      unit: 'MB',
      ours: swing,
      target: { text: `+-${ALLOWED_MB} MB`, met: swing <= ALLOWED_MB },
      verdict: { ...verdict, found: `${verdict.found}; ${least.toFixed(0)} to ${most.toFixed(0)} MB in ${samples.length} samples` },
    },
  ];
}
