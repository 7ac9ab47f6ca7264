import { setTimeout as sleep } from 'node:timers/promises';
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Appended, OutboxRow } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anAppend } from '../builders/a-message.js';
import { gate } from '../builders/gate.js';
import { eventually, SETTLE_MS } from '../builders/waiting.js';
import type { Fixture } from '../contract/fixture.js';
import { holdTransaction } from '../contract/held-transaction.js';
import type { HeldTransaction } from '../contract/held-transaction.js';
import { interleave, interleavings } from './interleaving.js';
import { deliverAll, leaseRoute, readNext } from './leased-route.js';
import type { LeasedRoute } from './leased-route.js';
import { race } from './race.js';
import { streamsOfOneLane } from './streams-of-one-lane.js';

// How long a writer may take to be blocked by a foreign transaction before the test says that it is.
const GIVE_UP_MS = 5_000;

/** How much the ordering group tries. */
export interface OrderingOptions {
  /** Messages committed in each race. Default 1,000. */
  readonly raceEvents?: number;
  /** How long each transaction of somebody else stays open that goes on beside a race. Default 400 ms. */
  readonly foreignTransactionMs?: number;
  /** Random interleavings tried for each order. Default 15. */
  readonly interleavings?: number;
}

/** The ports over which order is kept. */
export type OrderingPort = 'transactions' | 'outbox' | 'routes' | 'leases' | 'lanes';

/**
 * The ordering group: committed is delivered, in order, whatever the transactions do meanwhile. Adapters whose second writer
 * waits, and adapters whose second writer fails, can both be right.
 */
export function orderingContract<Tx>(
  name: string,
  open: () => Promise<Fixture<Tx, OrderingPort>>,
  { raceEvents = 1_000, foreignTransactionMs = 400, interleavings: tries = 15 }: OrderingOptions = {},
): void {
  for (const order of ['stream', 'global'] as const) {
    describe(`order "${order}" of ${name}`, () => {
      let fixture: Fixture<Tx, OrderingPort>;
      before(async () => (fixture = await open()));
      after(() => fixture?.close());

      const aRoute = (): Promise<LeasedRoute & { prefix: string }> => routeOfItsOwn(fixture, order);

      /** Commits one message to the stream, after a write of something else. */
      async function commit(stream: string): Promise<void> {
        await fixture.database.transactions.run(async (tx) => {
          await fixture.write(randomUUID(), tx);
          await fixture.database.outbox.append([anAppend(stream)], tx);
        });
      }

      /** Appends to the stream in a transaction that stays open until it is told to end. */
      const appendAndHold = (stream: string): Promise<HeldTransaction<Appended>> =>
        holdTransaction(fixture.database.transactions, (tx) => fixture.database.outbox.append([anAppend(stream)], tx));

      /** Begins a transaction with a write of something else; it goes on when told. */
      async function begin(): Promise<{ append(stream: string): Promise<void> }> {
        const [begun, mayGoOn] = [gate(), gate()];
        let stream = '';
        const ended = fixture.database.transactions.run(async (tx) => {
          await fixture.write(randomUUID(), tx);
          begun.open();
          await mayGoOn.opened;
          await fixture.database.outbox.append([anAppend(stream)], tx);
        });
        await Promise.race([begun.opened, ended]);
        return {
          append: async (to) => {
            stream = to;
            mayGoOn.open();
            await ended;
          },
        };
      }

      it('loses no message when a slow transaction commits after a fast one', async () => {
        const route = await aRoute();
        const [slowStream, fastStream] = streamsOfOneLane(route, 2);
        const slow = await appendAndHold(slowStream);

        const fast = commit(fastStream); // may finish now, or wait for slow: both are correct
        await sleep(SETTLE_MS);
        const early = await deliverAll(route);
        await Promise.all([slow.commit(), fast]);

        expect(places([...early, ...(await deliverAll(route))])).to.have.members([`${slowStream}@0`, `${fastStream}@0`]);
      });

      it('delivers appends to one stream by revision when their transactions interleave', async () => {
        const route = await aRoute();
        const stream = `${route.prefix}s`;
        const first = await appendAndHold(stream);

        const second = commit(stream); // may wait for the first, fail, or be faster: all are correct
        await Promise.race([second.catch(() => {}), sleep(SETTLE_MS)]);
        const early = await deliverAll(route);
        const outcomes = await Promise.allSettled([first.commit(), second]);
        for (const { status } of outcomes) if (status === 'rejected') await commit(stream); // it lost the conflict and comes again

        expect(places([...early, ...(await deliverAll(route))])).to.deep.equal([`${stream}@0`, `${stream}@1`]);
      });

      for (const look of ['only at the end', 'also in between'] as const) {
        it(`delivers by revision when the later transaction began, and wrote something else, first; read ${look}`, async () => {
          const route = await aRoute();
          const stream = `${route.prefix}s`;
          const early: OutboxRow[] = [];
          const later = await begin();

          await commit(stream);
          if (look === 'also in between') early.push(...(await deliverAll(route)));
          await later.append(stream);

          expect(places([...early, ...(await deliverAll(route))])).to.deep.equal([`${stream}@0`, `${stream}@1`]);
        });
      }

      it('never delivers what was rolled back, and leaves no gap for it', async () => {
        const route = await aRoute();
        const stream = `${route.prefix}s`;
        await commit(stream);
        const doomed = await appendAndHold(stream);

        const early = await deliverAll(route);
        await doomed.rollBack();
        await commit(stream);

        expect(places([...early, ...(await deliverAll(route))])).to.deep.equal([`${stream}@0`, `${stream}@1`]);
      });

      it('delivers while a long transaction that wrote something else is open', async () => {
        const route = await aRoute();
        const end = gate();
        const begun = gate();
        let open = true;
        const foreign = fixture.database.transactions.run(async (tx) => {
          await fixture.write(randomUUID(), tx);
          begun.open();
          await Promise.race([end.opened, sleep(GIVE_UP_MS, undefined, { ref: false })]);
          open = false;
        });
        await begun.opened;

        const delivered: OutboxRow[] = [];
        for (let nth = 0; nth < 3; nth++) {
          await commit(`${route.prefix}${nth}`);
          delivered.push(...(await deliverAll(route)));
        }
        const inTime = open;
        end.open();
        await foreign;

        expect(places(delivered)).to.have.members([0, 1, 2].map((nth) => `${route.prefix}${nth}@0`));
        expect(inTime, 'delivered before the long transaction ended').to.equal(true);
        expect(await deliverAll(route)).to.deep.equal([]);
      });

      it('delivers other streams while a long transaction has appended, and then its messages too', async () => {
        const route = await aRoute();
        const [longStream, otherStream] = streamsOfOneLane(route, 2);
        const long = await appendAndHold(longStream);

        await commit(otherStream);
        const meanwhile = await deliverAll(route);
        await long.commit();

        expect(places(meanwhile)).to.deep.equal([`${otherStream}@0`]);
        expect(places(await deliverAll(route))).to.deep.equal([`${longStream}@0`]);
      });

      it('delivers every page of a long lane, each message once', async () => {
        const route = await aRoute();
        const [one, two] = streamsOfOneLane(route, 2);
        for (let nth = 0; nth < 7; nth++) await commit(nth % 2 ? one : two);

        const delivered = await deliverAll(route, 2);

        expect(places(delivered.filter(({ stream }) => stream === one))).to.deep.equal([0, 1, 2].map((revision) => `${one}@${revision}`));
        expect(places(delivered.filter(({ stream }) => stream === two))).to.deep.equal(
          [0, 1, 2, 3].map((revision) => `${two}@${revision}`),
        );
      });

      if (order === 'global') {
        for (const look of ['only at the end', 'after every commit'] as const) {
          it(`delivers causes before effects while slow transactions come and go; read ${look}`, async () => {
            const route = await aRoute();
            const chain = Array.from({ length: 6 }, (_, nth) => `${route.prefix}chain-${nth}`);
            const delivered: OutboxRow[] = [];
            const slow: HeldTransaction<Appended>[] = [];

            for (const stream of chain) {
              slow.push(await appendAndHold(`${stream}-slow`));
              await commit(stream); // begins when the one before it has committed
              if (slow.length === 3) await slow.shift()!.commit();
              if (look === 'after every commit') delivered.push(...(await deliverAll(route)));
            }
            for (const { commit: end } of slow) await end();
            delivered.push(...(await deliverAll(route)));

            const inOrder = delivered.map(({ stream }) => stream);
            expect(inOrder.filter((stream) => chain.includes(stream))).to.deep.equal(chain);
            expect(inOrder).to.have.length(12);
          });
        }
      }

      it('delivers again, in order, what a reader had delivered and not settled when it died', async () => {
        const leaseMs = 100;
        const dead = await routeOfItsOwn(fixture, order, { owner: 'dead', leaseMs });
        const stream = `${dead.prefix}s`;
        for (let nth = 0; nth < 3; nth++) await commit(stream);
        const lost: OutboxRow[] = [];
        for (const lane of dead.held) lost.push(...(await readNext(dead, lane, 2)).rows);

        const heir = await eventually('taking the lanes over', async () => {
          const route = await leaseRoute(fixture.database, { ...dead, owner: 'heir' });
          return route.held.length > 0 ? route : undefined;
        });

        expect(places(lost)).to.deep.equal([`${stream}@0`, `${stream}@1`]);
        expect(places(await deliverAll(heir))).to.deep.equal([0, 1, 2].map((revision) => `${stream}@${revision}`));
      });

      it('delivers in order whatever the interleaving of transactions and reads', async () => {
        await interleavings(tries, async (plan) => {
          const route = await aRoute();

          const { committed, delivered } = await interleave(plan, { fixture, route });

          for (const [stream, revisions] of committed) {
            expect(revisions, `revisions of ${stream}`).to.deep.equal([...revisions.keys()]);
            const got = delivered.filter((row) => row.stream === stream).map(({ revision }) => Number(revision));
            expect(got, stream).to.deep.equal(revisions);
          }
          expect(delivered).to.have.length([...committed.values()].flat().length);
        });
      }).timeout(60_000);

      it('loses, reorders and repeats nothing in a race of many writers with rollbacks', async () => {
        const { committed, delivered, ...wrong } = await race({ fixture, order, events: raceEvents, foreignTransactionMs });

        expect(wrong).to.deep.equal({ lost: 0, inversions: 0, gaps: 0, duplicates: 0, phantoms: 0, causalInversions: 0 });
        expect(delivered).to.equal(committed).and.at.least(raceEvents);
      }).timeout(30_000 + raceEvents * 20);
    });
  }
}

/** A route that sees none but its own streams, for the outbox is shared between tests. */
async function routeOfItsOwn<Tx>(
  { database }: Fixture<Tx, OrderingPort>,
  order: 'stream' | 'global',
  reader: { owner?: string; leaseMs?: number } = {},
): Promise<LeasedRoute & { prefix: string }> {
  const prefix = `${randomUUID()}-`;
  const route = await leaseRoute(database, { order, selection: { streams: [prefix] }, ...reader });
  return { ...route, prefix };
}

const places = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ stream, revision }) => `${stream}@${revision}`);
