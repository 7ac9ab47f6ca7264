import { setTimeout as sleep } from 'node:timers/promises';

/** How long a test watches to show that something does not happen. */
export const SETTLE_MS = 60;

const LOOK_EVERY_MS = 5;
const GIVE_UP_MS = 10_000;

/** Resolves with the first answer of `look` that is not `undefined`; rejects when there is none for ten seconds. */
export async function eventually<Found>(what: string, look: () => Promise<Found | undefined>): Promise<Found> {
  for (const giveUpAt = performance.now() + GIVE_UP_MS; performance.now() < giveUpAt; await sleep(LOOK_EVERY_MS)) {
    const found = await look();
    if (found !== undefined) return found;
  }
  throw new Error(`${what} did not happen within ${GIVE_UP_MS} ms.`);
}

/** True when `act` is still not settled after {@link SETTLE_MS}. */
export async function isWaiting(act: Promise<unknown>): Promise<boolean> {
  const ended = act.then(
    () => false,
    () => false,
  );
  return Promise.race([ended, sleep(SETTLE_MS).then(() => true)]);
}
