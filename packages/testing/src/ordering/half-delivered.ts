import type { Database, OutboxRow, Selection, StoredRoute } from '@waybill/core';
import { selects } from '@waybill/core';
import { expect } from 'chai';
import { aMessage, anAppend } from '../builders/a-message.js';
import { aStoppedStream } from '../builders/a-stopped-stream.js';
import { holdTransaction } from '../contract/held-transaction.js';
import { deliverAll, leaseRoute, readNext, settleLane } from './leased-route.js';
import type { LeasedRoute } from './leased-route.js';

type Outbox = Pick<Database, 'routes' | 'leases' | 'lanes' | 'outbox' | 'transactions'>;

interface Committed {
  readonly id: string;
  readonly stream: string;
  readonly type: string;
  readonly kind: 'event';
}

const ROUTES: readonly { readonly name: string; readonly order: StoredRoute['order']; readonly selection: Selection }[] = [
  { name: 'everything', order: 'stream', selection: {} },
  { name: 'cats', order: 'stream', selection: { streams: ['cat-'] } },
  { name: 'chosen', order: 'stream', selection: { types: ['Chosen'] } },
  { name: 'world', order: 'global', selection: {} },
];
const STEPS = 36;
const STOPS_AT = 30;

/** An outbox in the middle of its work, and what each of its routes has yet to deliver, counted by the test itself. */
export class HalfDelivered {
  readonly #committed: Committed[] = [];
  readonly #delivered = new Map<string, Set<string>>(ROUTES.map(({ name }) => [name, new Set()]));

  /**
   * Routes at different places: lanes that nobody has touched, lanes in the middle of a window, messages that committed late, a stream that
   * was stopped. Nobody holds a lane in the end.
   */
  static async on(outbox: Outbox, random: () => number): Promise<HalfDelivered> {
    const scene = new HalfDelivered();
    const routes = await Promise.all(ROUTES.map((route) => leaseRoute(outbox, { ...route, start: 'beginning' })));
    const late: { end: () => Promise<void> }[] = [];
    for (let step = 0; step < STEPS; step++) {
      await scene.commit(outbox, random);
      if (step % 12 === 3) late.push(await scene.#beginLate(outbox, step));
      if (step % 12 === 9) await late.shift()!.end();
      for (const route of routes) await scene.#deliverSome(route, random, step === STOPS_AT && route.name === 'everything');
    }
    for (const route of routes) await outbox.leases.release(route.held.map(({ lease }) => lease));
    for (let more = 0; more < 3; more++) await scene.commit(outbox, random);
    return scene;
  }

  /** A few messages to a few streams in one transaction. */
  async commit({ transactions, outbox }: Pick<Outbox, 'transactions' | 'outbox'>, random: () => number): Promise<void> {
    const streams = new Set(Array.from({ length: 3 }, () => `${random() < 0.5 ? 'cat' : 'dog'}-${Math.floor(random() * 12)}`));
    const appends = [...streams].map((stream) =>
      anAppend(stream, {
        messages: Array.from({ length: 1 + Math.floor(random() * 2) }, () => aMessage(random() < 0.3 ? 'Chosen' : 'Happened')),
      }),
    );
    await transactions.run((tx) => outbox.append(appends, tx));
    this.#remember(appends);
  }

  /** What is pending on each route, in no order. */
  pendingOn(route: string): readonly string[] {
    const { selection } = ROUTES.find(({ name }) => name === route)!;
    const delivered = this.#delivered.get(route)!;
    return this.#committed.filter((message) => selects(selection, message) && !delivered.has(message.id)).map(({ id }) => id);
  }

  /** Delivers all that is left, stopped streams too, and compares it with what was pending. */
  async expectTheRestOf(outbox: Outbox): Promise<void> {
    for (const route of ROUTES) {
      const leased = await leaseRoute(outbox, route);
      const rows = await deliverWithTails(leased);

      expect(rows.map(({ id }) => id).sort(), `messages of ${route.name}`).to.deep.equal([...this.pendingOn(route.name)].sort());
      expectOrder(rows, route.name);
      for (const { id } of rows) this.#delivered.get(route.name)!.add(id);
      await outbox.leases.release(leased.held.map(({ lease }) => lease));
    }
  }

  #remember(appends: readonly ReturnType<typeof anAppend>[]): void {
    for (const { stream, messages } of appends)
      for (const { id, type } of messages) this.#committed.push({ id, stream, type, kind: 'event' });
  }

  async #beginLate({ transactions, outbox }: Outbox, step: number): Promise<{ end: () => Promise<void> }> {
    const appends = [anAppend(`cat-late-${step}`, { messages: [aMessage(), aMessage('Chosen')] })];
    const late = await holdTransaction(transactions, (tx) => outbox.append(appends, tx));
    return {
      end: async () => {
        await late.commit();
        this.#remember(appends);
      },
    };
  }

  async #deliverSome(route: LeasedRoute, random: () => number, stops: boolean): Promise<void> {
    for (const lane of route.held) {
      if (random() < 0.6 && !stops) continue;
      const page = await readNext(route, lane, 1 + Math.floor(random() * 4));
      const left = new Set((await route.lanes.stopped(lane.lease)).map(({ stream }) => stream));
      const accepted = Math.floor(random() * (page.rows.length + 1));
      const passed = accepted < page.rows.length ? page.rows.slice(0, accepted) : page.rows;
      const delivered = passed.filter(({ stream }) => !left.has(stream));
      const bad = stops ? delivered.at(-1) : undefined;
      if (passed.length === 0) continue;
      lane.checkpoint = passed.length === page.rows.length ? page.through : passed.at(-1)!.checkpoint;
      await settleLane(route, lane, bad ? { stopped: [aStoppedStream(bad.stream, bad.revision)] } : {});
      for (const row of delivered) if (row !== bad) this.#delivered.get(route.name)!.add(row.id);
    }
  }
}

/** A stopped stream's rows come last, by its tail. */
async function deliverWithTails(route: LeasedRoute): Promise<readonly OutboxRow[]> {
  const { name, order, selection, lanes } = route;
  const left = (await Promise.all(route.held.map(({ lease }) => lanes.stopped(lease)))).flat();
  const rows = (await deliverAll(route, 7)).filter(({ stream }) => !left.some((entry) => entry.stream === stream));
  for (const lane of route.held) {
    for (const { stream, fromRevision: from } of await lanes.stopped(lane.lease)) {
      const tail = { route: name, lane: lane.lease.lane, order, selection, stream, from, upTo: lane.checkpoint, limit: 1_000 };
      rows.push(...(await lanes.readTail(tail)));
      await settleLane(route, lane, { resumed: [stream] });
    }
  }
  return rows;
}

function expectOrder(rows: readonly OutboxRow[], route: string): void {
  const last = new Map<string, bigint>();
  for (const { stream, revision } of rows) {
    expect(revision > (last.get(stream) ?? -1n), `${route}: ${stream}@${revision} after ${last.get(stream)}`).to.equal(true);
    last.set(stream, revision);
  }
}
