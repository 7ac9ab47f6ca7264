import type { OutboxMessage } from '@waybill/core';

/**
 * Sends single messages: up to `most` side by side, the streams of the batch beside each other, each stream strictly one after another, and
 * earlier messages first. `send` resolves with false for one that was not accepted: then nothing behind it is begun, and what is before it
 * still is, so that the first that failed is the one where the accepted prefix ends.
 */
export async function sideBySide(
  batch: readonly OutboxMessage[],
  most: number,
  send: (index: number) => Promise<boolean>,
  signal: AbortSignal,
): Promise<void> {
  const nextOfStream = new Map<number, number>();
  const ready: number[] = []; // indexes that may be sent, ascending
  const last = new Map<string, number>();
  for (const [index, { stream }] of batch.entries()) {
    const before = last.get(stream);
    if (before === undefined) ready.push(index);
    else nextOfStream.set(before, index);
    last.set(stream, index);
  }

  let end = batch.length;
  const lane = async (): Promise<void> => {
    for (let index = ready[0]; index !== undefined && index < end && !signal.aborted; index = ready[0]) {
      ready.shift();
      const accepted = await send(index);
      const next = nextOfStream.get(index);
      if (!accepted) end = Math.min(end, index);
      else if (next !== undefined) insert(ready, next);
    }
  };
  // One that found nothing to do ends for good: its place is taken by the one whose message it would have waited for.
  await Promise.all(Array.from({ length: Math.min(most, ready.length) }, lane));
}

function insert(ascending: number[], value: number): void {
  const at = ascending.findIndex((each) => each > value);
  ascending.splice(at === -1 ? ascending.length : at, 0, value);
}
