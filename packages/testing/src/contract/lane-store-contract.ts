import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { MessageToAppend, OutboxRow } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { aMessage, anAppend } from '../builders/a-message.js';
import { deliverAll, leaseRoute, readNext } from '../ordering/leased-route.js';
import type { HeldLane, LeasedRoute, LeaseRouteOptions } from '../ordering/leased-route.js';
import type { OrderingPort } from '../ordering/ordering-contract.js';
import type { Fixture } from './fixture.js';

/** The suite of `LaneStore.read`: pages, selections and checkpoints. Settlements and stopped streams have suites of their own. */
export function laneStoreContract<Tx>(name: string, open: () => Promise<Fixture<Tx, OrderingPort>>): void {
  describe(`LaneStore of ${name}`, () => {
    let fixture: Fixture<Tx, OrderingPort>;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aPrefix = (): string => `${randomUUID()}-`;
    const lease = (options: LeaseRouteOptions): Promise<LeasedRoute> => leaseRoute(fixture.database, { order: 'global', ...options });
    const commit = (stream: string, ...messages: readonly MessageToAppend[]): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream, { messages })], tx));
    const onlyLane = ({ held }: LeasedRoute): HeldLane => held[0]!;

    describe('read', () => {
      it('answers no more rows than asked for, and a place where the rest begins', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        await commit(`${prefix}s`, aMessage(), aMessage(), aMessage());

        const first = await readNext(route, onlyLane(route), 2);
        const second = await readNext(route, { ...onlyLane(route), checkpoint: first.through }, 2);

        expect(revisions(first.rows)).to.deep.equal([0n, 1n]);
        expect(revisions(second.rows)).to.deep.equal([2n]);
      });

      it('says that there is more while a read without a wake-up would find more, and not once it has seen all', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        await commit(`${prefix}s`, aMessage(), aMessage(), aMessage());

        const part = await readNext(route, onlyLane(route), 2);
        let page = part;
        const seen = [...part.rows];
        while (page.more) {
          page = await readNext(route, { ...onlyLane(route), checkpoint: page.through }, 2);
          seen.push(...page.rows);
        }

        expect(part.more).to.equal(true);
        expect(revisions(seen)).to.deep.equal([0n, 1n, 2n]);
        expect((await readNext(route, { ...onlyLane(route), checkpoint: page.through }, 2)).rows).to.deep.equal([]);
      });

      it('answers the same again while nothing is settled', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        await commit(`${prefix}s`, aMessage(), aMessage());

        const once = await readNext(route, onlyLane(route));
        const again = await readNext(route, onlyLane(route));

        expect(ids(again.rows)).to.deep.equal(ids(once.rows)).and.have.length(2);
      });

      it('gives every row the place right behind it', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        for (const stream of ['a', 'b', 'a']) await commit(prefix + stream, aMessage(), aMessage());
        const { rows } = await readNext(route, onlyLane(route));

        for (const [nth, { checkpoint }] of rows.entries()) {
          const rest = await readNext(route, { ...onlyLane(route), checkpoint });
          expect(ids(rest.rows), `behind row ${nth}`).to.deep.equal(ids(rows.slice(nth + 1)));
        }
        expect(rows).to.have.length(6);
      });

      it('finds behind the place of an empty page whatever is committed later', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        const empty = await readNext(route, onlyLane(route));
        await commit(`${prefix}s`, aMessage());

        const page = await readNext(route, { ...onlyLane(route), checkpoint: empty.through });

        expect(empty.rows).to.deep.equal([]);
        expect(revisions(page.rows)).to.deep.equal([0n]);
      });

      it('answers a message as it was appended', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        const message = aMessage('Odd', {
          schemaVersion: 3,
          codec: 'superjson',
          payload: '{"b":1,"a":"\\u0000 ü"}',
          metadata: { correlationId: 'c', tenant: 't' },
        });

        await commit(`${prefix}s`, message);
        const { rows } = await readNext(route, onlyLane(route));

        expect(rows).to.have.length(1);
        expect(rows[0]).to.deep.include({ ...message, stream: `${prefix}s`, revision: 0n });
        expect(rows[0]!.position).to.be.a('bigint');
        expect(rows[0]!.recordedAt).to.be.a('date');
      });

      it('gives later messages of a stream higher positions', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        for (let nth = 0; nth < 3; nth++) await commit(`${prefix}s`, aMessage(), aMessage());

        const { rows } = await readNext(route, onlyLane(route));

        const positions = rows.map(({ position }) => position);
        expect(positions).to.deep.equal([...new Set(positions)].sort((a, b) => (a < b ? -1 : 1)));
      });

      it('reads one lane of the route only', async () => {
        const prefix = aPrefix();
        const route = await lease({ order: 'stream', selection: { streams: [prefix] } });
        for (let nth = 0; nth < 20; nth++) await commit(`${prefix}${nth}`, aMessage());

        const pages = await Promise.all(route.held.map((lane) => readNext(route, lane)));

        const streams = pages.flatMap(({ rows }) => rows.map(({ stream }) => stream));
        expect(streams).to.have.members(Array.from({ length: 20 }, (_, nth) => `${prefix}${nth}`));
      });
    });

    describe('a selection', () => {
      it('without types takes every event and no command', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [prefix] } });
        await commit(`${prefix}s`, aMessage('A'), aMessage('B', { kind: 'command' }), aMessage('C'));

        expect(types(await deliverAll(route))).to.deep.equal(['A', 'C']);
      });

      it('of types takes these, commands too, and no others', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { types: ['B', 'C'], streams: [prefix] } });
        await commit(`${prefix}s`, aMessage('A'), aMessage('B', { kind: 'command' }), aMessage('C'), aMessage('BB'));

        expect(types(await deliverAll(route))).to.deep.equal(['B', 'C']);
      });

      it('of streams takes those that begin with one of the prefixes, letter by letter', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { streams: [`${prefix}a_%`, `${prefix}b\\`] } });
        for (const stream of ['a_%1', 'axy1', 'b\\1', 'b1', 'A_%1', 'xa_%']) await commit(prefix + stream, aMessage());

        expect((await deliverAll(route)).map(({ stream }) => stream)).to.deep.equal([`${prefix}a_%1`, `${prefix}b\\1`]);
      });

      it('finds its next message behind any number that it leaves out', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { types: ['Wanted'], streams: [prefix] } });
        for (let nth = 0; nth < 30; nth++) await commit(`${prefix}s`, aMessage('Other'), aMessage('Other'));
        await commit(`${prefix}s`, aMessage('Wanted'));

        const { rows } = await readNext(route, onlyLane(route), 3);

        expect(types(rows)).to.deep.equal(['Wanted']);
      });

      it('lets a page lead past what it left out', async () => {
        const prefix = aPrefix();
        const route = await lease({ selection: { types: ['Wanted'], streams: [prefix] } });
        await commit(`${prefix}s`, aMessage('Wanted'), aMessage('Other'), aMessage('Other'));

        const [row] = await deliverAll(route);

        expect(row?.type).to.equal('Wanted');
        expect((await readNext(route, { ...onlyLane(route) })).rows).to.deep.equal([]);
      });
    });
  });
}

const revisions = (rows: readonly OutboxRow[]): readonly bigint[] => rows.map(({ revision }) => revision);
const ids = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ id }) => id);
const types = (rows: readonly OutboxRow[]): readonly string[] => rows.map(({ type }) => type);
