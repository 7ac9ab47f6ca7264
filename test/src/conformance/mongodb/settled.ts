import { setTimeout as sleep } from 'node:timers/promises';

/** Long enough to notice that something happens which should not. */
export const SETTLE_MS = 40;

export function settled(ms = SETTLE_MS): Promise<void> {
  return sleep(ms);
}

/** Whether work is still under way when everything that could end it has had its time. */
export async function stillWaits(work: Promise<unknown>): Promise<boolean> {
  return Promise.race([
    work.then(
      () => false,
      () => false,
    ),
    settled().then(() => true),
  ]);
}
