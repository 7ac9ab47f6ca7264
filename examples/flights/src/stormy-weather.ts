import type { Reached } from '@waybill/core';
import { setTimeout as delay } from 'node:timers/promises';

/** Thrown into a transaction whose rows are written already, so that it rolls back. */
export class RolledBackOnPurpose extends Error {}

const ROLLED_BACK = 0.01;
const SLOW = 0.05;
const SLOWEST_MS = 20;

/**
 * Trouble where it hurts an outbox most, between the append and the commit: a few transactions roll back there, and some dawdle,
 * so that others which began later commit earlier. A dispatcher that read by row number alone would lose events.
 */
export function stormyWeather(random: () => number): Reached {
  return async (moment) => {
    if (moment !== 'appended') return;
    const fate = random();
    if (fate < ROLLED_BACK) throw new RolledBackOnPurpose();
    if (fate < ROLLED_BACK + SLOW) await delay(random() * SLOWEST_MS);
  };
}
