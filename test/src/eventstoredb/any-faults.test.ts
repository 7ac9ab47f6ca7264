import { setTimeout as sleep } from 'node:timers/promises';
import type { Delivery, OutboxMessage } from '@waybill/core';
import type { EventStoreDB } from '@waybill/eventstoredb';
import { messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { deliverTo, emulated, idsOf, inTurns } from './emulated.js';
import type { Emulated } from './emulated.js';

const SEEDS = process.env['EVENTSTOREDB_SEEDS']?.split(',').map(Number) ?? [1, 2, 3];
const FAULTS = 25;
const STREAMS = 8;
const MESSAGES = 120;
const BATCH = 160;
const GIVE_UP_AFTER = 200;

describe('EventStoreDB sink: two processes with the same rows, and faults of all kinds', () => {
  for (const seed of SEEDS) {
    it(`stores each message once, at its revision (seed ${seed})`, async () => {
      const random = numbers(seed);
      const server = await emulated({
        emulator: { commitDelayMs: 2, commitTimeoutMs: 100 },
        eventstore: { appendTimeoutMs: 150, readTimeoutMs: 500 },
      });
      const streams = Array.from({ length: STREAMS }, (_, nth) => messagesOf(`order-${nth}`, MESSAGES));
      const batch = inTurns(...streams);
      const others = [server.eventstore, server.another({ maxEventsPerAppend: 7, appendTimeoutMs: 200, readTimeoutMs: 500 })];

      try {
        const lanes = others.map((eventstore) => lane(server, eventstore, batch));
        const faults = (async () => {
          for (let nth = 0; nth < FAULTS; nth++) {
            await hurt(server, random);
            await sleep(random() * 20);
          }
          server.emulator.faults.heal();
        })();
        await Promise.all([...lanes, faults]);

        for (const messages of streams) expect(server.storedIds(messages[0]!.stream)).to.deep.equal(idsOf(messages));
      } finally {
        await server.close();
      }
    });
  }
});

/** Delivers as a lane does: settles the prefix, and goes on from there. */
async function lane(server: Emulated, eventstore: EventStoreDB, messages: readonly OutboxMessage[]): Promise<void> {
  let from = 0;
  for (let tries = 0; from < messages.length; tries++) {
    const batch = messages.slice(from, from + BATCH);
    const delivery = await deliverTo(eventstore, batch);
    if (delivery.failure) expect(delivery.failure.code, delivery.failure.message).to.equal('SINK_UNAVAILABLE');
    expectTrue(server, batch, delivery);
    from += delivery.accepted;
    if (delivery.accepted === 0) await sleep(5);
    if (tries > GIVE_UP_AFTER) throw delivery.failure ?? new Error('The lane does not get on.');
  }
}

/** What it called accepted is stored, and nothing of a stream was accepted behind a message of it that was not. */
function expectTrue(server: Emulated, batch: readonly OutboxMessage[], { accepted, acceptedBeyond = [] }: Delivery): void {
  const held = new Set<string>();
  const stored = new Map<string, ReadonlySet<string>>();
  for (const [index, { id, stream }] of batch.entries()) {
    const taken = index < accepted || acceptedBeyond.includes(index);
    if (!taken) held.add(stream);
    else if (held.has(stream)) throw new Error(`Message ${index} was accepted behind one of ${stream} that was not.`);
    else {
      if (!stored.has(stream)) stored.set(stream, new Set(server.storedIds(stream)));
      expect(stored.get(stream)!.has(id), `${stream} holds message ${index}`).to.equal(true);
    }
  }
}

async function hurt({ emulator }: Emulated, random: () => number): Promise<void> {
  const { faults, port } = emulator;
  const scope = random() < 0.5 ? {} : { stream: `order-${Math.floor(random() * STREAMS)}` };
  const appends = 1 + Math.floor(random() * 3);
  const ways: readonly (() => void | Promise<void>)[] = [
    () => faults.storeWithoutAcknowledging(appends, scope),
    () => faults.loseAppends(appends, scope),
    () => faults.timeOutAppends(appends, scope),
    () => faults.refuseAsBusy(appends, scope),
    () => faults.refuseAsNotLeader({ host: '127.0.0.1', port }, appends, scope),
    () => faults.delayCommits(random() * 60),
    () => faults.tearConnections(),
    () => faults.cancelCalls(),
    () => emulator.restart({ surviving: (inFlight) => Math.floor(inFlight * random()) }),
  ];
  await ways[Math.floor(random() * ways.length)]!();
}

/** The same numbers from 0 to 1 for the same seed (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
