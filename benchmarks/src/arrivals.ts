import { setTimeout as pause } from 'node:timers/promises';
import { Dispatcher } from '@waybill/core';
import type { Database, Delivery, OutboxMessage, Sink } from '@waybill/core';
import { OrderPlaced } from './order.js';

/** Milliseconds of a clock that all processes of a machine share. */
export const machineNow = (): number => Number(process.hrtime.bigint()) / 1e6;

export interface Arrivals {
  /** When each stream's one message was handed to the sink, by {@link machineNow}. */
  readonly takenAt: ReadonlyMap<string, number>;
  readonly doubled: number;
}

/** A dispatcher that notes when messages arrive. */
export interface Awaiting {
  /** Waits for so many, though not for ever, and stops. */
  until(messages: number): Promise<Arrivals>;
}

const SETTLE_MS = 200;
const PATIENCE_MS = 5_000;

/** Starts one that takes what is committed from now on. */
export async function awaitArrivals(database: Database, route: string): Promise<Awaiting> {
  const takenAt = new Map<string, number>();
  let doubled = 0;
  const sink: Sink = {
    async deliver(batch: readonly OutboxMessage[]): Promise<Delivery> {
      const now = machineNow();
      for (const { stream } of batch) {
        if (takenAt.has(stream)) doubled++;
        takenAt.set(stream, now);
      }
      return { accepted: batch.length };
    },
  };
  const dispatcher = new Dispatcher({ database, catalogue: [OrderPlaced], routes: { [route]: { sink, start: 'now' } } });
  await dispatcher.start();
  await pause(SETTLE_MS);
  return {
    until: async (messages) => {
      for (let waited = 0; takenAt.size < messages && waited < PATIENCE_MS; waited += 20) await pause(20);
      await dispatcher.stop();
      return { takenAt, doubled };
    },
  };
}
