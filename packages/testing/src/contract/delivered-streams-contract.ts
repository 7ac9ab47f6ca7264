import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { MessagePlace } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { anAppend } from '../builders/a-message.js';
import { deliverAll, leaseRoute, settleLane, takeOver } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';
import { rejection } from './rejection.js';

type Port = OrderingPort | 'retention' | 'adopt';

const MANY = 1_500;

/** The suite of `LaneStore.delivered`: the last revision of each stream that a route has delivered, as its settlements named it. */
export function deliveredStreamsContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`delivered streams of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const lease = (options: LeaseRouteOptions = {}): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', ...options });
    const release = ({ held }: LeasedRoute): Promise<void> => fixture.database.leases.release(held.map((lane) => lane.lease));
    const deliver = (route: LeasedRoute, ...delivered: readonly MessagePlace[]): Promise<void> =>
      settleLane(route, route.held[0]!, { delivered });
    const place = (stream: string, revision: bigint): MessagePlace => ({ stream, revision });
    const delivered = async (route: string, ...streams: readonly string[]): Promise<readonly MessagePlace[]> =>
      [...(await fixture.database.lanes.delivered(route, streams))].sort((one, other) => (one.stream < other.stream ? -1 : 1));

    it('are those that settlements named, each at its last revision; of a stream that none named there is nothing', async () => {
      const route = await lease();
      const long = 'ü'.repeat(500);

      await deliver(route, place('order-1', 0n), place('order-2', 7n));
      await deliver(route, place('order-2', 8n), place(`it's "$odd"`, 2n ** 40n), place(long, 3n));

      expect(await delivered(route.name, 'order-1', 'order-2', 'order-3', `it's "$odd"`, long)).to.deep.equal([
        place(`it's "$odd"`, 2n ** 40n),
        place('order-1', 0n),
        place('order-2', 8n),
        place(long, 3n),
      ]);
      expect(await delivered(route.name)).to.deep.equal([]);
    });

    it('are as many as there are', async () => {
      const route = await lease();
      const places = Array.from({ length: MANY }, (_, nth) => place(`order-${nth}`, BigInt(nth)));

      await deliver(route, ...places);

      const found = await fixture.database.lanes.delivered(
        route.name,
        places.map(({ stream }) => stream),
      );
      expect(new Map(found.map(({ stream, revision }) => [stream, revision]))).to.deep.equal(
        new Map(places.map(({ stream, revision }) => [stream, revision])),
      );
    });

    it('never go back', async () => {
      const route = await lease();

      await deliver(route, place('order-1', 5n));
      await deliver(route, place('order-1', 4n));

      expect(await delivered(route.name, 'order-1')).to.deep.equal([place('order-1', 5n)]);
    });

    it('are stored together with whatever else a settlement says', async () => {
      const route = await lease();

      await settleLane(route, route.held[0]!, { delivered: [place('order-1', 5n)], stopped: [aStoppedStream('order-2', 0n)] });

      expect(await delivered(route.name, 'order-1')).to.deep.equal([place('order-1', 5n)]);
      expect(await fixture.database.lanes.stopped(route.held[0]!.lease)).to.have.length(1);
    });

    it("are each route's own", async () => {
      const [one, other] = [await lease(), await lease()];

      await deliver(one, place('order-1', 5n));
      await deliver(other, place('order-1', 2n));

      expect(await delivered(one.name, 'order-1')).to.deep.equal([place('order-1', 5n)]);
      expect(await delivered(other.name, 'order-1')).to.deep.equal([place('order-1', 2n)]);
    });

    it('are what the next holder finds, and stay so under a lease that was lost', async () => {
      const route = await lease({ leaseMs: 50 });
      await deliver(route, place('order-1', 5n)).catch(() => {}); // where it takes longer than the lease
      const heir = await takeOver(fixture.database, route);
      await deliver(heir, place('order-1', 6n));

      const error = await rejection(deliver(route, place('order-1', 7n), place('order-2', 0n)));

      expect(error).to.include({ code: 'LEASE_LOST' });
      expect(await delivered(route.name, 'order-1', 'order-2')).to.deep.equal([place('order-1', 6n)]);
    });

    it('follow a route that is renamed, and leave nothing to the next route of its old name', async () => {
      const route = await lease();
      const to = `route-${randomUUID()}`;
      await deliver(route, place('order-1', 5n), place('order-2', 1n));
      await release(route);

      await fixture.database.routes.rename(route.name, to);
      const renamed = await lease({ name: to });
      const anew = await lease({ name: route.name });
      await deliver(renamed, place('order-1', 6n));
      await deliver(anew, place('order-2', 9n));

      expect(await delivered(to, 'order-1', 'order-2')).to.deep.equal([place('order-1', 6n), place('order-2', 1n)]);
      expect(await delivered(route.name, 'order-1', 'order-2')).to.deep.equal([place('order-2', 9n)]);
    });

    it('are gone when their route is retired, and when it is made anew', async () => {
      const route = await lease();
      await deliver(route, place('order-1', 5n), place('order-2', 1n));

      await fixture.database.routes.retire(route.name);
      const retired = await delivered(route.name, 'order-1');
      const anew = await lease({ name: route.name });
      await deliver(anew, place('order-2', 0n));

      expect(retired).to.deep.equal([]);
      expect(await delivered(route.name, 'order-1', 'order-2')).to.deep.equal([place('order-2', 0n)]);
    });

    it('of a route that nobody knows are none', async () => {
      expect(await delivered(`route-${randomUUID()}`, 'order-1')).to.deep.equal([]);
    });

    it('outlive the messages, and the adoption of the database', async () => {
      const own = await open();
      try {
        const { database } = own;
        const route = await leaseRoute(database, { order: 'global' });
        await database.transactions.run((tx) => database.outbox.append([anAppend('order-1')], tx));
        await deliverAll(route);
        await settleLane(route, route.held[0]!, { delivered: [place('order-1', 0n)] });

        const removed = await database.retention.removeMessages({ olderThanMs: 0, most: 10 });
        await database.adopt();

        expect(removed).to.equal(1);
        expect(await database.lanes.delivered(route.name, ['order-1'])).to.deep.equal([place('order-1', 0n)]);
      } finally {
        await own.close();
      }
    });
  });
}
