import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { SKIPPED_TYPE } from '@waybill/core';
import type { MessageQuery, MessageStatus, MessageToAppend, OutboxRow } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aFailure } from '../builders/a-failure.js';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { anAttempt } from '../builders/an-attempt.js';
import { deliverAll, laneOfStream, leaseRoute, readNext, settleLane } from '../ordering/leased-route.js';
import type { LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';

type Port = OrderingPort | 'status';

/** The suite of `DeliveryStatus.messages`: a line for each message and route that selects it. */
export function messageStatusContract<Tx>(name: string, open: () => Promise<Fixture<Tx, Port>>): void {
  describe(`the status of messages of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aStream = (): string => `${randomUUID()}-s`;
    const lease = (stream: string, options: LeaseRouteOptions = {}): Promise<LeasedRoute> =>
      leaseRoute(fixture.database, { order: 'global', selection: { streams: [stream] }, ...options });
    const commit = (stream: string, ...messages: readonly MessageToAppend[]): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));
    const statusOf = (query: MessageQuery): Promise<readonly MessageStatus[]> => fixture.database.status.messages(query);
    const read = async (route: LeasedRoute): Promise<readonly OutboxRow[]> => (await readNext(route, route.held[0]!)).rows;
    const states = (lines: readonly MessageStatus[]) => lines.map(({ revision, status }) => `${revision} ${status}`);

    it('waits where no route was there yet, with a line for each that selects it', async () => {
      const [stream, message] = [aStream(), aMessage('Wanted')];
      const routes = [
        await lease(stream, { order: 'stream' }),
        await lease(stream, { selection: { types: ['Wanted'], streams: [stream] } }),
        await lease(stream, { selection: { types: ['Other'], streams: [stream] } }),
        await lease(stream, { selection: { streams: [`${stream}-longer`] } }),
      ];
      await commit(stream, message);

      const lines = await statusOf({ messageId: message.id });

      const untouched = { status: 'WAITING', failCount: 0, processedAt: undefined, failedAt: undefined, error: undefined };
      const line = { messageId: message.id, stream, revision: 0n, type: 'Wanted', occurredAt: message.occurredAt, ...untouched };
      expect(lines).to.have.deep.members([
        { ...line, route: routes[0]!.name, lane: laneOfStream(routes[0]!, stream).lease.lane },
        { ...line, route: routes[1]!.name, lane: 0 },
      ]);
    });

    it('has no line for a route that was retired', async () => {
      const [stream, message] = [aStream(), aMessage()];
      const [staying, retired] = [await lease(stream), await lease(stream)];
      await commit(stream, message);

      await fixture.database.routes.retire(retired.name);

      expect((await statusOf({ messageId: message.id })).map(({ route }) => route)).to.deep.equal([staying.name]);
    });

    it('is nothing for a message that is not committed', async () => {
      expect(await statusOf({ messageId: randomUUID() })).to.deep.equal([]);
      expect(await statusOf({ stream: aStream() })).to.deep.equal([]);
    });

    for (const order of ['stream', 'global'] as const) {
      it(`is done once the route is past it, in order "${order}"`, async () => {
        const stream = aStream();
        const route = await lease(stream, { order });
        await commit(stream, aMessage(), aMessage(), aMessage());
        const lane = laneOfStream(route, stream);
        const { rows } = await readNext(route, lane);

        await settleLane(route, lane, { checkpoint: rows[1]!.checkpoint });

        expect(states(await statusOf({ stream }))).to.deep.equal(['0 DONE', '1 DONE', '2 WAITING']);
      });
    }

    for (const outcome of ['delivered', 'skipped', 'discarded'] as const) {
      it(`tells when it was ${outcome}`, async () => {
        const stream = aStream();
        const route = await lease(stream);
        await commit(stream, aMessage(), aMessage());
        const rows = await read(route);

        await settleLane(route, route.held[0]!, { checkpoint: rows[1]!.checkpoint, attempts: [anAttempt([rows[1]!.id], { outcome })] });

        const [unknown, known] = await statusOf({ stream });
        expect(unknown).to.include({ status: 'DONE', processedAt: undefined });
        expect(known!.processedAt!.getTime()).to.be.within(rows[1]!.recordedAt.getTime(), rows[1]!.recordedAt.getTime() + 60_000);
      });
    }

    for (const state of ['waiting', 'halted'] as const) {
      it(`is failed at the failure of a lane that is ${state}, and behind it`, async () => {
        const [stream, other] = [aStream(), `${randomUUID()}-other`];
        const route = await lease(stream, { selection: { streams: [stream, other] } });
        await commit(stream, aMessage(), aMessage(), aMessage());
        await commit(other, aMessage());
        const [delivered, bad] = await read(route);
        const nextTryAt = state === 'waiting' ? new Date('2030-01-01T00:00:00.000Z') : undefined;
        const failure = aFailure({ messageId: bad!.id, stream, revision: 1n, error: '422: bad address', nextTryAt });

        await settleLane(route, route.held[0]!, {
          ...{ checkpoint: delivered!.checkpoint, state, failure },
          attempts: [anAttempt([delivered!.id]), anAttempt([bad!.id], { outcome: 'rejected' })],
        });

        const lines = await statusOf({ stream });
        expect(states(lines)).to.deep.equal(['0 DONE', '1 FAILED', '2 FAILED']);
        expect(lines.map(({ failCount, error }) => [failCount, error])).to.deep.equal([
          [0, undefined],
          [1, '422: bad address'],
          [0, '422: bad address'],
        ]);
        expect(lines[1]!.failedAt).to.be.a('date');
        expect([lines[0]!.failedAt, lines[1]!.processedAt, lines[2]!.failedAt]).to.deep.equal([undefined, undefined, undefined]);
        expect(states(await statusOf({ stream: other }))).to.deep.equal(['0 FAILED']);
      });
    }

    it('is failed from where its stream stopped on, though its lane goes on', async () => {
      const [stream, other] = [aStream(), `${randomUUID()}-other`];
      const route = await lease(stream, { selection: { streams: [stream, other] } });
      await commit(stream, aMessage(), aMessage(), aMessage());
      await commit(other, aMessage());
      await deliverAll(route);
      const failure = aFailure({ stream, revision: 1n, error: 'parked: 422' });

      await settleLane(route, route.held[0]!, { stopped: [aStoppedStream(stream, 1n, { failure })] });

      const lines = await statusOf({ stream });
      expect(states(lines)).to.deep.equal(['0 DONE', '1 FAILED', '2 FAILED']);
      expect(lines.map(({ error }) => error)).to.deep.equal([undefined, 'parked: 422', 'parked: 422']);
      expect(states(await statusOf({ stream: other }))).to.deep.equal(['0 DONE']);
    });

    it('counts the tries that failed, for each route by itself, also once it is done', async () => {
      const stream = aStream();
      const [route, other] = [await lease(stream), await lease(stream)];
      await commit(stream, aMessage());
      const [row] = await read(route);
      const tried = (['rejected', 'unavailable', 'unknown', 'crashed'] as const).map((outcome, nth) =>
        anAttempt([row!.id], { outcome, startedAt: new Date(Date.UTC(2024, 0, 1, 0, 0, nth)) }),
      );

      await settleLane(route, route.held[0]!, { attempts: tried });
      await settleLane(route, route.held[0]!, { checkpoint: row!.checkpoint, attempts: [anAttempt([row!.id])] });

      const lines = new Map((await statusOf({ stream })).map((line) => [line.route, line]));
      expect(lines.get(route.name)).to.include({ status: 'DONE', failCount: 4, error: undefined });
      expect([lines.get(route.name)!.failedAt, lines.get(route.name)!.processedAt]).to.satisfy((dates: unknown[]) =>
        dates.every((date) => date instanceof Date),
      );
      expect(lines.get(other.name)).to.include({ status: 'WAITING', failCount: 0, failedAt: undefined });
    });

    it('tells when a message was processed also where its lane was busy right before', async () => {
      const stream = aStream();
      const route = await lease(stream);
      const before = Array.from({ length: 2_100 }, (_, nth) =>
        anAttempt([randomUUID()], { startedAt: new Date(Date.UTC(2024, 0, 1) + nth) }),
      );
      await settleLane(route, route.held[0]!, { attempts: before });
      await commit(stream, aMessage());
      const [row] = await read(route);

      await settleLane(route, route.held[0]!, { checkpoint: row!.checkpoint, attempts: [anAttempt([row!.id])] });

      const [line] = (await statusOf({ stream })).filter((one) => one.route === route.name);
      expect(line!.processedAt).to.be.a('date');
    });

    it('is asked for a part of a stream, by revision', async () => {
      const stream = aStream();
      await lease(stream);
      await commit(stream, ...Array.from({ length: 102 }, () => aMessage()));

      expect(states(await statusOf({ stream, from: 1n, most: 2 }))).to.deep.equal(['1 WAITING', '2 WAITING']);
      expect(states(await statusOf({ stream, from: 101n }))).to.deep.equal(['101 WAITING']);
      expect(await statusOf({ stream })).to.have.length(100);
    });

    it('knows a message by its own type where a placeholder took its place', async () => {
      const stream = aStream();
      const route = await lease(stream);
      await commit(stream, aMessage('Bad'));
      const [row] = await read(route);

      await settleLane(route, route.held[0]!, { checkpoint: row!.checkpoint, placeholders: [{ stream, revision: 0n }] });

      const [line] = await statusOf({ stream });
      expect(line).to.include({ type: 'Bad', status: 'DONE' }).and.not.include({ type: SKIPPED_TYPE });
    });
  });
}
