import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Checkpoint, MessageToAppend, OutboxRow, ReadTailOptions } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aMessage, anAppend } from '../builders/a-message.js';
import { gate } from '../builders/gate.js';
import { SETTLE_MS } from '../builders/waiting.js';
import { laneOfStream, leaseRoute, readNext } from '../ordering/leased-route.js';
import type { HeldLane, LeasedRoute } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import { streamsOfOneLane } from '../ordering/streams-of-one-lane.js';
import type { Fixture } from './fixture.js';

/** The suite of `LaneStore.readTail`: what a lane has passed of one stream, and never what it has not. */
export function streamTailContract<Tx>(name: string, open: () => Promise<Fixture<Tx, OrderingPort>>): void {
  for (const order of ['stream', 'global'] as const) {
    describe(`the tail of a stopped stream of ${name}, in order "${order}"`, () => {
      let fixture: Fixture<Tx, OrderingPort>;
      before(async () => (fixture = await open()));
      after(() => fixture?.close());

      async function aRoute(types?: readonly string[]): Promise<LeasedRoute & { readonly prefix: string }> {
        const prefix = `${randomUUID()}-`;
        const selection = { streams: [prefix], ...(types && { types }) };
        return { ...(await leaseRoute(fixture.database, { order, selection })), prefix };
      }
      const commit = (stream: string, ...messages: readonly MessageToAppend[]): Promise<unknown> =>
        fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));
      const tail = (
        route: LeasedRoute,
        stream: string,
        upTo: Checkpoint,
        options: Partial<ReadTailOptions> = {},
      ): Promise<readonly OutboxRow[]> => {
        const { name: routeName, selection } = route;
        const { lane } = laneOfStream(route, stream).lease;
        return route.lanes.readTail({ route: routeName, lane, order, selection, stream, from: 0n, upTo, limit: 100, ...options });
      };
      /** Reads a lane to its end, page by page, and answers every place on the way. */
      async function readOn(
        route: LeasedRoute,
        lane: HeldLane,
      ): Promise<{ readonly rows: readonly OutboxRow[]; readonly places: readonly Checkpoint[] }> {
        const [rows, places] = [[] as OutboxRow[], [lane.checkpoint]];
        for (let more = true; more;) {
          const page = await readNext(route, { ...lane, checkpoint: places.at(-1)! }, 2);
          rows.push(...page.rows);
          places.push(...page.rows.map(({ checkpoint }) => checkpoint), page.through);
          more = page.rows.length > 0;
        }
        return { rows, places };
      }

      it('has the rows that the checkpoint has passed, from the asked revision on, by revision', async () => {
        const route = await aRoute();
        const stream = `${route.prefix}s`;
        for (let nth = 0; nth < 3; nth++) await commit(stream, aMessage(), aMessage());
        const { places } = await readOn(route, laneOfStream(route, stream));

        expect(revisions(await tail(route, stream, places.at(-1)!, { from: 2n }))).to.deep.equal([2n, 3n, 4n, 5n]);
        expect(revisions(await tail(route, stream, places.at(-1)!, { from: 6n }))).to.deep.equal([]);
      });

      it('gives no more than asked for, and the rest from there on', async () => {
        const route = await aRoute();
        const stream = `${route.prefix}s`;
        for (let nth = 0; nth < 5; nth++) await commit(stream, aMessage());
        const { places } = await readOn(route, laneOfStream(route, stream));

        const first = await tail(route, stream, places.at(-1)!, { from: 1n, limit: 3 });
        const rest = await tail(route, stream, places.at(-1)!, { from: 4n, limit: 3 });

        expect([revisions(first), revisions(rest)]).to.deep.equal([[1n, 2n, 3n], [4n]]);
      });

      it('has rows as they were appended, each at the place that was asked with', async () => {
        const route = await aRoute();
        const stream = `${route.prefix}s`;
        const message = aMessage('Odd', {
          schemaVersion: 3,
          payload: '{"b":1,"a":"\\u0000 ü"}',
          metadata: { correlationId: 'c', tenant: 't' },
        });
        await commit(stream, message);
        const { rows, places } = await readOn(route, laneOfStream(route, stream));

        const [row] = await tail(route, stream, places.at(-1)!);

        expect(row).to.deep.include({ ...message, stream, revision: 0n, position: rows[0]!.position, recordedAt: rows[0]!.recordedAt });
        const next = await readNext(route, { ...laneOfStream(route, stream), checkpoint: row!.checkpoint });
        expect(next.rows, 'behind the place of a row of the tail').to.deep.equal([]);
      });

      it('has nothing of other streams, and nothing that the route does not select', async () => {
        const route = await aRoute(['Wanted']);
        const [stream, other] = streamsOfOneLane(route, 2);
        for (const type of ['Other', 'Wanted', 'Other', 'Wanted']) {
          await commit(stream, aMessage(type));
          await commit(other, aMessage(type));
          await commit(`${stream}-longer`, aMessage(type));
        }
        const { places } = await readOn(route, laneOfStream(route, stream));

        const rows = await tail(route, stream, places.at(-1)!);

        expect(rows.map(({ revision, type, ...row }) => [row.stream, revision, type])).to.deep.equal([
          [stream, 1n, 'Wanted'],
          [stream, 3n, 'Wanted'],
        ]);
      });

      it('is empty for a stream that the lane has not met', async () => {
        const route = await aRoute();

        expect(await tail(route, `${route.prefix}nothing`, route.held[0]!.checkpoint)).to.deep.equal([]);
      });

      it('and what is read behind the checkpoint are all of the stream, and nothing twice, at every place', async () => {
        const route = await aRoute();
        const streams = streamsOfOneLane(route, 2);
        for (let nth = 0; nth < 3; nth++) for (const stream of streams) await commit(stream, aMessage());
        const lane = laneOfStream(route, streams[0]);
        const { rows, places } = await readOn(route, lane);

        for (const place of places) {
          const passed = (await Promise.all(streams.map((stream) => tail(route, stream, place)))).flat();
          const behind = (await readOn(route, { ...lane, checkpoint: place })).rows;
          expect([...ids(passed), ...ids(behind)])
            .to.have.members(ids(rows))
            .and.have.length(6);
        }
        expect(places.length).to.be.at.least(7);
      });

      it('and what is read behind the checkpoint are all of the stream, and nothing twice, also when commits come late', async () => {
        const route = await aRoute();
        const [slowStream, fastStream] = streamsOfOneLane(route, 2);
        const lane = laneOfStream(route, slowStream);
        await commit(slowStream, aMessage());
        const [appended, mayCommit] = [gate(), gate()];
        const slow = fixture.database.transactions.run(async (tx) => {
          await fixture.database.outbox.append([anAppend(slowStream, { messages: [aMessage(), aMessage()] })], tx);
          appended.open();
          await mayCommit.opened;
        });
        await Promise.race([appended.opened, slow]);
        const fast = commit(fastStream, aMessage(), aMessage()); // may finish now, or wait for slow: both are correct
        await Promise.race([fast, sleep(SETTLE_MS)]);
        const early = await readOn(route, lane);
        const whileOpen = await tail(route, slowStream, early.places.at(-1)!);
        mayCommit.open();
        await Promise.all([slow, fast]);
        await commit(slowStream, aMessage());
        const late = await readOn(route, { ...lane, checkpoint: early.places.at(-1)! });

        const everything = [...early.rows, ...late.rows];
        expect(revisions(whileOpen)).to.deep.equal([0n]);
        for (const place of [...early.places, ...late.places]) {
          const passed = [...(await tail(route, slowStream, place)), ...(await tail(route, fastStream, place))];
          const behind = (await readOn(route, { ...lane, checkpoint: place })).rows;
          expect([...ids(passed), ...ids(behind)])
            .to.have.members(ids(everything))
            .and.have.length(6);
        }
      });
    });
  }
}

const revisions = (rows: readonly OutboxRow[]): readonly bigint[] => rows.map(({ revision }) => revision);
const ids = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ id }) => id);
