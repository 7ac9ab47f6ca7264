import { Dispatcher, laneOf, streamHash } from '@waybill/core';
import type { Database } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { anAppend } from '../builders/a-message.js';
import { anAttempt } from '../builders/an-attempt.js';
import { HalfDelivered } from '../ordering/half-delivered.js';
import { deliverAll, laneOfStream, leaseRoute, readNext, settleLane } from '../ordering/leased-route.js';
import { rejection } from './rejection.js';

export interface ChangedLanesFixture<Tx> {
  /** With four lanes, migrated and empty. */
  readonly database: Database<Tx>;
  /** The same store, with another number of lanes in the options. */
  withLanes(lanes: number): Promise<Database<Tx>>;
  close(): Promise<void>;
}

/** The suite of `changeLanes`. Opens a fixture a test. */
export function changedLanesContract<Tx>(name: string, open: () => Promise<ChangedLanesFixture<Tx>>): void {
  describe(`changeLanes of ${name}`, () => {
    let fixture: ChangedLanesFixture<Tx>;
    let database: Database<Tx>;
    beforeEach(async () => {
      fixture = await open();
      ({ database } = fixture);
    });
    afterEach(() => fixture?.close());

    for (const lanes of [7, 3, 1]) {
      it(`has exactly the rest delivered, in order, from 4 lanes to ${lanes}`, async () => {
        const scene = await HalfDelivered.on(database, halves(lanes));
        const other = await fixture.withLanes(lanes);

        const change = await other.changeLanes();

        expect(change).to.include({ from: 4, to: lanes });
        expect(change.moved).to.be.greaterThan(0);
        await other.verify();
        await scene.commit(other, Math.random);
        await scene.expectTheRestOf(other);
      });
    }

    it('has what processes commit that have not heard of it delivered in order', async () => {
      const scene = await HalfDelivered.on(database, halves(1));
      await scene.commit(database, Math.random);
      const other = await fixture.withLanes(9);

      await other.changeLanes();
      for (let commits = 0; commits < 6; commits++) await scene.commit(commits % 2 ? other : database, Math.random);

      await scene.expectTheRestOf(other);
    });

    it('may be changed again, and back', async () => {
      const scene = await HalfDelivered.on(database, halves(2));

      await (await fixture.withLanes(6)).changeLanes();
      await scene.commit(await fixture.withLanes(6), Math.random);
      await database.changeLanes();

      await database.verify();
      await scene.expectTheRestOf(database);
    });

    it('refuses to start with another number, and says how to change it', async () => {
      const other = await fixture.withLanes(8);

      const error = await rejection(other.verify());

      expect(error).to.have.property('code', 'SCHEMA_MISMATCH');
      expect((error as Error).message)
        .to.contain('4')
        .and.to.contain('8')
        .and.to.contain('changeLanes()');
    });

    it('has nothing to do where the number is right already', async () => {
      expect(await database.changeLanes()).to.deep.equal({ from: 4, to: 4, moved: 0 });
    });

    it('is refused while a dispatcher is alive', async () => {
      await database.instances.beat({ route: 'all', id: 'run', name: 'dispatcher-1', aliveMs: 60_000 });

      const error = await rejection((await fixture.withLanes(8)).changeLanes());

      expect(error).to.have.property('code', 'LANES_IN_USE');
      expect((error as Error).message).to.contain('dispatcher-1');
      await database.verify();
    });

    it('is refused while a lane is held', async () => {
      await leaseRoute(database, { name: 'all', owner: 'reader-1' });

      const error = await rejection((await fixture.withLanes(8)).changeLanes());

      expect(error).to.have.property('code', 'LANES_IN_USE');
      expect((error as Error).message).to.contain('reader-1');
      await database.verify();
    });

    it('is refused while a lane stands at a failure', async () => {
      const route = await leaseRoute(database, { name: 'all' });
      await settleLane(route, route.held[0]!, { state: 'halted', failure: aFailure({ stream: 'order-7', revision: 3n }) });
      await database.leases.release(route.held.map(({ lease }) => lease));

      const error = await rejection((await fixture.withLanes(8)).changeLanes());

      expect(error).to.have.property('code', 'LANES_IN_USE');
      expect((error as Error).message).to.contain('order-7@3');
      await database.verify();
    });

    it('is refused while a running lane has a message in doubt', async () => {
      const route = await leaseRoute(database, { name: 'all' });
      const failure = aFailure({ stream: 'order-7', revision: 3n, code: 'SUSPECTED_CRASH' });
      await settleLane(route, route.held[0]!, { state: 'running', failure });
      await database.leases.release(route.held.map(({ lease }) => lease));

      expect(await rejection((await fixture.withLanes(8)).changeLanes())).to.have.property('code', 'LANES_IN_USE');
    });

    it('leaves a stopped stream in doubt, in its new lane', async () => {
      await database.transactions.run((tx) => database.outbox.append([anAppend('order-7')], tx));
      const route = await leaseRoute(database, { name: 'all', start: 'beginning' });
      const lane = laneOfStream(route, 'order-7');
      const { rows, through } = await readNext(route, lane);
      const failure = aFailure({ messageId: rows[0]!.id, stream: 'order-7', code: 'OUTCOME_UNKNOWN' });
      const stop = { stream: 'order-7', fromRevision: 0n, state: 'redriving' as const, failure, stoppedAt: new Date() };
      await settleLane(route, lane, { checkpoint: through, stopped: [stop] });
      await database.leases.release(route.held.map(({ lease }) => lease));
      const other = await fixture.withLanes(7);

      await other.changeLanes();

      const [stopped] = await other.status.stopped({ route: 'all', most: 10 });
      expect(stopped).to.deep.include({ lane: laneOf(streamHash('order-7'), 7), state: 'redriving', failure });
    });

    it('fences out whoever held a lane until then', async () => {
      const route = await leaseRoute(database, { name: 'all' });
      const [lane] = route.held;
      await database.leases.release([lane!.lease]);
      await database.leases.release(route.held.map(({ lease }) => lease));

      await (await fixture.withLanes(8)).changeLanes();

      expect(await rejection(settleLane(route, lane!))).to.have.property('code', 'LEASE_LOST');
    });

    it('still tells what was delivered before, also where it was changed twice', async () => {
      const streams = Array.from({ length: 8 }, (_, nth) => `order-${nth}`);
      await database.transactions.run((tx) =>
        database.outbox.append(
          streams.map((stream) => anAppend(stream)),
          tx,
        ),
      );
      const route = await leaseRoute(database, { name: 'all', start: 'beginning' });
      for (const lane of route.held) {
        const { rows, through } = await readNext(route, lane);
        if (rows.length > 0) await settleLane(route, lane, { checkpoint: through, attempts: [anAttempt(rows.map(({ id }) => id))] });
      }
      await database.leases.release(route.held.map(({ lease }) => lease));

      await (await fixture.withLanes(7)).changeLanes();
      const other = await fixture.withLanes(3);
      await other.changeLanes();

      for (const stream of streams) {
        const [line] = await other.status.messages({ stream });
        expect(line, stream).to.include({ status: 'DONE' }).and.to.have.property('processedAt').that.is.a('date');
        const tried = await other.status.attempts({ messageId: line!.messageId });
        expect(tried.map(({ outcome, instance }) => `${outcome} by ${instance}`)).to.deep.equal(['delivered by reader']);
      }
    });

    it('still knows what was delivered last of each stream', async () => {
      const route = await leaseRoute(database, { name: 'all' });
      const delivered = Array.from({ length: 8 }, (_, nth) => ({ stream: `order-${nth}`, revision: BigInt(nth) }));
      for (const place of delivered) await settleLane(route, laneOfStream(route, place.stream), { delivered: [place] });
      await database.leases.release(route.held.map(({ lease }) => lease));

      const other = await fixture.withLanes(7);
      await other.changeLanes();

      const streams = delivered.map(({ stream }) => stream);
      expect(await other.lanes.delivered('all', streams)).to.have.deep.members(delivered);
    });

    it('lets a dispatcher go on with what was left, by itself', async () => {
      const behind = await leaseRoute(database, { name: 'all', start: 'beginning' });
      const streams = Array.from({ length: 12 }, (_, nth) => `order-${nth}`);
      for (let round = 0; round < 3; round++)
        await database.transactions.run((tx) =>
          database.outbox.append(
            streams.map((stream) => anAppend(stream)),
            tx,
          ),
        );
      await deliverAll({ ...behind, held: behind.held.slice(0, 2) });
      const done = (await database.status.lanes()).reduce((sum, lane) => sum - lane.pending, 36);
      await database.leases.release(behind.held.map(({ lease }) => lease));
      const other = await fixture.withLanes(5);
      await other.changeLanes();

      const sink = new InMemorySink();
      const dispatcher = new Dispatcher({
        database: other,
        catalogue: [],
        routes: { all: { sink, start: 'beginning' } },
        pollMs: 20,
      });
      await dispatcher.start();
      const messages = streams.map((stream) => ({ stream, revision: 2n }));
      while (!(await other.status.progress('all', messages)).every(({ passed }) => passed)) await new Promise(setImmediate);
      await dispatcher.stop();

      expect(sink.delivered).to.have.length(36 - done);
      const last = new Map<string, bigint>();
      for (const { stream, revision } of sink.delivered) {
        expect(revision - (last.get(stream) ?? revision - 1n), stream).to.equal(1n);
        last.set(stream, revision);
      }
    });
  });
}

/** The same choices at every run. */
function halves(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
