import { setTimeout as sleep } from 'node:timers/promises';

const LOOK_EVERY_MS = 20;
/** Take-overs wait for leases, and one after the other; on a machine that is short of time they take their time. */
const PATIENCE_MS = 40_000;

/** Resolves with the first answer of `look` that is not `undefined`; rejects when there is none for so long. */
export async function patiently<Found>(what: string, look: () => Found | undefined | Promise<Found | undefined>): Promise<Found> {
  const found = await forAWhile(PATIENCE_MS, look);
  if (found === undefined) throw new Error(`${what} did not happen within ${PATIENCE_MS} ms.`);
  return found;
}

/** The same for those who go on without it. */
export async function forAWhile<Found>(ms: number, look: () => Found | undefined | Promise<Found | undefined>): Promise<Found | undefined> {
  for (const giveUpAt = performance.now() + ms; ; await sleep(LOOK_EVERY_MS)) {
    const found = await look();
    if (found !== undefined || performance.now() >= giveUpAt) return found;
  }
}
