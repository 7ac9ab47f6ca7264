import { randomUUID } from 'node:crypto';
import { EventStoreDBClient, jsonEvent, NO_STREAM } from '@eventstore/db-client';
import { Catalogue, outboxMessage } from '@waybill/core';
import type { Checkpoint, OutboxMessage } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { aDeliveryContext } from '@waybill/testing';
import { atLeast } from '../figure.js';
import type { Figure, Verdict } from '../figure.js';
import { OrderPlaced, PAYLOAD } from '../order.js';
import { inTurn } from '../rounds.js';
import { rateOf } from '../side-by-side.js';
import type { Sizes } from '../sizes.js';

const LANES = 8;
const BATCH = 500;
const EACH = 10;

/** The same rows in the same groups: ten events of a stream in one append, fifty appends of a batch in flight, eight lanes. */
export async function sink({ rounds, appendedEvents }: Sizes, url: string): Promise<readonly Figure[]> {
  const eventStore = new EventStoreDB(url);
  const client = EventStoreDBClient.connectionString(url);
  try {
    await eventStore.sink.start?.(new AbortController().signal);
    const stored: Record<'ours' | 'raw', OutboxMessage[]> = { ours: [], raw: [] };
    const contender = (name: 'ours' | 'raw', deliver: (batch: readonly OutboxMessage[]) => Promise<unknown>) => async () => {
      const batches = batchesOf(appendedEvents);
      stored[name].push(...batches.flat());
      const rate = await rateOf(batches.length, LANES, (nth) => deliver(batches[nth]!));
      return rate * BATCH;
    };
    const result = await inTurn(Math.min(rounds, 5), {
      ours: contender('ours', (batch) => deliverByOurs(eventStore, batch)),
      raw: contender('raw', (batch) => Promise.all(groupsOf(batch).map((group) => appendRaw(client, group)))),
    });
    const ratio = result.ratio('ours', 'raw');
    return [
      {
        section: 'sink',
        name: `EventStoreDB sink, ${appendedEvents} in appends of ${EACH}`,
        unit: 'events/s',
        ours: result.rate('ours'),
        verdict: await asStored(client, stored.ours),
        yardstick: { name: 'raw client', value: result.rate('raw'), verdict: await asStored(client, stored.raw) },
        ratio,
        target: atLeast(0.9, ratio),
      },
    ];
  } finally {
    await eventStore.close();
    await client.dispose();
  }
}

async function deliverByOurs({ sink: target }: EventStoreDB, batch: readonly OutboxMessage[]): Promise<void> {
  const { accepted, failure } = await target.deliver(batch, aDeliveryContext());
  if (accepted !== batch.length) throw failure ?? new Error(`${accepted} of ${batch.length} accepted`);
}

async function appendRaw(client: EventStoreDBClient, group: readonly OutboxMessage[]): Promise<void> {
  const events = group.map(({ id, type, payload, metadata }) =>
    jsonEvent({ id, type, data: JSON.parse(payload) as typeof PAYLOAD, metadata: { ...metadata } }),
  );
  const { stream, revision } = group[0]!;
  await client.appendToStream(stream, events, { expectedRevision: revision === 0n ? NO_STREAM : revision - 1n });
}

const groupsOf = (batch: readonly OutboxMessage[]): readonly (readonly OutboxMessage[])[] =>
  Array.from({ length: Math.ceil(batch.length / EACH) }, (_, nth) => batch.slice(nth * EACH, (nth + 1) * EACH));

/** New streams each time; a stream is in one batch only, so that batches may go side by side as those of lanes do. */
function batchesOf(events: number): readonly (readonly OutboxMessage[])[] {
  const [catalogue, run] = [new Catalogue([OrderPlaced]), randomUUID().slice(0, 8)];
  const message = (nth: number): OutboxMessage =>
    outboxMessage(
      {
        ...{ id: randomUUID(), kind: 'event', type: 'OrderPlaced', schemaVersion: 1, codec: 'json', payload: JSON.stringify(PAYLOAD) },
        ...{ stream: `bench_${run}-${Math.floor(nth / EACH)}`, revision: BigInt(nth % EACH), position: BigInt(nth) },
        ...{ metadata: { correlationId: randomUUID() }, occurredAt: new Date(), recordedAt: new Date(), checkpoint: {} as Checkpoint },
      },
      catalogue,
    );
  return Array.from({ length: Math.ceil(events / BATCH) }, (_, batch) =>
    Array.from({ length: BATCH }, (_, nth) => message(batch * BATCH + nth)),
  );
}

/** Reads every stream back: each message once, at its own revision, under its own id. */
async function asStored(client: EventStoreDBClient, messages: readonly OutboxMessage[]): Promise<Verdict> {
  const byStream = new Map<string, OutboxMessage[]>();
  for (const message of messages) byStream.set(message.stream, [...(byStream.get(message.stream) ?? []), message]);
  let wrong = 0;
  for (const [stream, expected] of byStream) {
    const found: string[] = [];
    for await (const { event } of client.readStream(stream)) if (event) found.push(`${event.revision} ${event.id}`);
    if (found.join() !== expected.map(({ revision, id }) => `${revision} ${id}`).join()) wrong++;
  }
  return {
    right: wrong === 0,
    found: wrong === 0 ? `${messages.length} once at their revisions` : `${wrong} of ${byStream.size} streams are not as sent`,
  };
}
