import type { OutboxMessage } from '@waybill/core';
import type { Verdict } from '../figure.js';

interface Arrived {
  readonly id: string;
  readonly partitionkey: string;
  readonly sequence: string;
}

/** What the bodies hold, structured or in batches: each message once, those of a stream in order. */
export function verdictOn(bodies: readonly string[], sent: readonly OutboxMessage[]): Verdict {
  const arrived = bodies.flatMap((body) => JSON.parse(body) as Arrived | readonly Arrived[]);
  const ids = new Set(arrived.map(({ id }) => id));
  const next = new Map<string, bigint>();
  let disorder = 0;
  for (const { partitionkey: stream, sequence } of arrived) {
    if (BigInt(sequence) !== (next.get(stream) ?? 0n)) disorder += 1;
    next.set(stream, BigInt(sequence) + 1n);
  }
  const lost = sent.filter(({ id }) => !ids.has(id)).length;
  const doubled = arrived.length - ids.size;
  const right = lost === 0 && doubled === 0 && disorder === 0 && ids.size === sent.length;
  return { right, found: right ? `${ids.size} once, each stream in order` : `${lost} lost, ${doubled} doubled, ${disorder} out of order` };
}
