import { expect } from 'chai';
import type { Settlement } from '@waybill/core';
import { aMessage, anAppend, eventually, gate, leaseRoute, settleLane } from '@waybill/testing';
import type { LeasedRoute } from '@waybill/testing';
import { Client } from 'pg';
import sinon from 'sinon';
import { postgresDatabase } from '../servers.js';
import { answeredEvents, AnsweringSink } from '../shop/answering-sink.js';
import { aRunningDispatcher, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { NoteWritten } from '../shop/notebook.js';
import { CommitCutter } from './commit-cutter.js';
import { commitLate } from './late-commit.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

describe('replies in settlements on PostgreSQL', () => {
  const opened: { close(): Promise<void> }[] = [];
  stopDispatchers();
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  const open = async (...options: Parameters<typeof openShop>): Promise<PostgresShop> => {
    const shop = await openShop(...options);
    opened.push(shop);
    return shop;
  };
  const idsIn = async ({ database }: PostgresShop, stream: string): Promise<readonly string[]> =>
    (await database.transactions.run((tx) => database.outbox.headAndTail(stream, 0n, tx))).tail.map(({ id }) => id);

  for (const request of ['carried-out', 'lost'] as const) {
    it(`are there once where the answer to the commit is lost, which was ${request}, and it is stored again`, async () => {
      const cutter = await CommitCutter.before(await postgresDatabase());
      opened.push(cutter);
      const shop = await open({ listen: false }, cutter.url);
      const route = await leaseRoute(shop.database, { order: 'global' });
      const messages = [aMessage(), aMessage()];
      const settle = (): Promise<void> => settleLane(route, route.held[0]!, { replies: [anAppend('key-k', { messages })] });

      cutter.cutNextCommit(request);
      await failureOf('DATABASE_UNAVAILABLE', settle);
      await settle();

      expect(await idsIn(shop, 'key-k')).to.deep.equal(messages.map(({ id }) => id));
    });
  }

  it('get through although they and a transaction of the application wait for each other', async () => {
    const shop = await open({ listen: false });
    const route = await leaseRoute(shop.database, { order: 'global' });
    await settleLane(route, route.held[0]!, { replies: [anAppend('key-a'), anAppend('key-b')] });
    const [first, maySecond] = [gate(), gate()];
    const reply = aMessage();

    // Against the order of names, by two appends of one transaction; PostgreSQL gives one of the two up.
    const foreign = shop.database.transactions.run(async (tx) => {
      await shop.database.outbox.append([anAppend('key-b')], tx);
      first.open();
      await maySecond.opened;
      await shop.database.outbox.append([anAppend('key-a')], tx);
    });
    await first.opened;
    const settling = settleLane(route, route.held[0]!, { replies: [anAppend('key-a', { messages: [reply] }), anAppend('key-b')] });
    await waitingForLock(shop);
    maySecond.open();
    await Promise.allSettled([foreign, settling]);

    await settling;
    expect(await idsIn(shop, 'key-a')).to.include(reply.id);
  });

  it('do not keep leases from being renewed while a transaction of the application has their stream, and get through after it', async () => {
    const shop = await open({ listen: false, lanes: 2 });
    const route = await leaseRoute(shop.database);
    const reply = aMessage();
    const [appended, mayCommit] = [gate(), gate()];
    const foreign = shop.database.transactions.run(async (tx) => {
      await shop.database.outbox.append([anAppend('key-k')], tx);
      appended.open();
      await mayCommit.opened;
    });
    await appended.opened;
    const settle = (): Promise<void> => settleLane(route, route.held[0]!, { replies: [anAppend('key-k', { messages: [reply] })] });
    const settling = failureOf('TRANSACTION_CONFLICT', settle);
    await waitingForLock(shop);

    const renewed = await shop.database.leases.renew(
      route.held.map(({ lease }) => lease),
      60_000,
    );
    await settling;
    mayCommit.open();
    await foreign;
    await settle();

    expect(renewed).to.have.length(2);
    expect(await idsIn(shop, 'key-k')).to.include(reply.id);
  });

  it('are settled with a late commit before a message that is skipped', async () => {
    const shop = await open({ lanes: 1 });
    const sink = new AnsweringSink();
    sink.feel(({ stream }) => (stream === 'notebook-bad' ? 'refuse' : 'accept'));
    const dispatcher = await aRunningDispatcher({
      ...{ database: shop.database, catalogue: [...answeredEvents, NoteWritten] },
      routes: { memory: { sink, streams: ['notebook-'], retry: { attempts: 1 } } },
    });
    const { bad } = await commitLate(shop, dispatcher);

    await dispatcher.skip('memory', bad.messages[0]!.id, 'poison');
    await dispatcher.delivered(bad, 'memory', { timeoutMs: 2_000 });

    expect(await idsIn(shop, 'key-answers')).to.have.length(1);
    expect(await shop.database.lanes.delivered('memory', ['notebook-late', 'notebook-bad'])).to.deep.equal([
      { stream: 'notebook-late', revision: 0n },
    ]);
  });

  it('cost the usual settlement nothing: it is one statement, and no transaction', async () => {
    const shop = await open({ listen: false });
    const route = await leaseRoute(shop.database, { order: 'global' });
    const usual = await statementsOf(route, {});
    const replying = await statementsOf(route, { replies: [anAppend('key-k')] });

    expect(usual).to.have.length(1);
    expect(usual[0]).to.match(/^\s*select settled/);
    expect(replying.map((text) => text.trim().split(/\s+/)[0])).to.deep.equal(['begin', 'set', 'select', 'select', 'select', 'commit']);
  });
});

const waitingForLock = ({ pool }: PostgresShop): Promise<true> =>
  eventually('the wait for the other transaction', async () => {
    const { rows } = await pool.query("select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'");
    return rows.length > 0 ? true : undefined;
  });

/** What one settlement sends. */
async function statementsOf(route: LeasedRoute, settlement: Partial<Settlement>): Promise<readonly string[]> {
  const sent = sinon.spy(Client.prototype, 'query');
  try {
    await settleLane(route, route.held[0]!, settlement);
    return sent.getCalls().map(({ args: [query] }) => (typeof query === 'string' ? query : (query as unknown as { text: string }).text));
  } finally {
    sent.restore();
  }
}
