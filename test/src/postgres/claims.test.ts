import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { InboxClaim } from '@waybill/core';
import { aMessage, anAppend, deliverAll, eventually, isWaiting, leaseRoute, settleLane, takeOver } from '@waybill/testing';
import type { HeldLane, LeasedRoute } from '@waybill/testing';
import { failureOf } from '../shop/failure-of.js';
import { openShop } from './postgres-shop.js';
import type { PostgresShop } from './postgres-shop.js';

describe('claims on PostgreSQL', () => {
  let shop: PostgresShop;
  before(async () => (shop = await openShop()));
  after(() => shop.close());

  const claimUnder = ({ lease }: HeldLane, messageId: string): InboxClaim => ({
    ...{ handler: 'send-receipt', messageId, source: lease.route, firstAttemptAt: new Date() },
    lane: { route: lease.route, lane: lease.lane, epoch: lease.epoch },
  });
  const claim = (wanted: InboxClaim): Promise<boolean> => shop.database.transactions.run((tx) => shop.database.inbox.claim(wanted, tx));
  const claims = async (): Promise<number> =>
    Number((await shop.pool.query<{ n: string }>('select count(*) as n from waybill.inbox')).rows[0]!.n);
  const removeClaims = (most = 1_000): Promise<number> => shop.database.retention.removeClaims({ olderThanMs: Infinity, most });
  async function commit(count: number): Promise<readonly string[]> {
    const messages = Array.from({ length: count }, () => aMessage());
    await shop.database.transactions.run((tx) => shop.database.outbox.append([anAppend(`order-${randomUUID()}`, { messages })], tx));
    return messages.map(({ id }) => id);
  }
  async function passAll(route: LeasedRoute): Promise<void> {
    await deliverAll(route, 1_000);
    for (const lane of route.held) await settleLane(route, lane);
  }
  const removeMessages = (count: number): Promise<unknown> => {
    let removed = 0;
    return eventually(`the removal of ${count} messages`, async () => {
      removed += await shop.database.retention.removeMessages({ olderThanMs: 0, most: 10_000 });
      return removed >= count ? true : undefined;
    });
  };

  it('are refused to a holder that was frozen in its transaction, while the next one handled the message and its claim was removed', async () => {
    const route = await leaseRoute(shop.database, { order: 'global', leaseMs: 50 });
    const [id] = (await commit(1)) as [string];
    const frozen = await shop.pool.connect();
    await frozen.query('begin');
    await frozen.query('select 1 from waybill.lane'); // its transaction has looked around already
    const heir = await takeOver(shop.database, route);
    const handled = await claim(claimUnder(heir.held[0]!, id));
    await passAll(heir);
    await removeMessages(1);
    await removeClaims();

    const refused = await failureOf('LEASE_LOST', () => shop.database.inbox.claim(claimUnder(route.held[0]!, id), frozen));
    await frozen.query('rollback');
    frozen.release();

    expect(handled).to.equal(true);
    expect(refused.message).to.contain(route.name);
    expect(await shop.database.inbox.claimed('send-receipt', id)).to.equal(false);
    await shop.database.routes.retire(route.name);
  });

  it('do not keep the lane from its next holder while one is open, nor its holder from a settlement', async () => {
    const route = await leaseRoute(shop.database, { order: 'global', leaseMs: 50 });
    const open = await shop.pool.connect();
    await open.query('begin isolation level repeatable read');
    await shop.database.inbox.claim(claimUnder(route.held[0]!, randomUUID()), open);

    const settled = settleLane(route, route.held[0]!);
    const waited = await isWaiting(settled);
    await settled;
    const heir = await takeOver(shop.database, route);
    await open.query('rollback');
    open.release();

    expect(waited).to.equal(false);
    expect(heir.held).to.have.length(1);
    await shop.database.routes.retire(route.name);
  });

  it('are removed past those of messages that a stopped route still holds, and what cannot go is not looked at again and again', async () => {
    const route = await leaseRoute(shop.database, { order: 'global' });
    const held = await commit(3_000);
    const fill = (ids: readonly string[]): Promise<unknown> =>
      shop.pool.query(
        `insert into waybill.inbox (handler, message_id, source, first_attempt_at, outbox_id)
         select 'send-receipt', id, 'memory', now(), id::uuid from unnest($1::text[]) as id`,
        [ids],
      );
    await fill(held);
    const gone = Array.from({ length: 1_500 }, () => randomUUID());
    await fill(gone);
    await shop.pool.query('update waybill.identity set removed_before = clock_timestamp()');
    const before = await claims();

    const counts = [await removeClaims(), await removeClaims(), await removeClaims()];

    expect(counts).to.deep.equal([1_000, 500, 0]);
    expect(await claims()).to.equal(before - 1_500);
    await shop.database.routes.retire(route.name);
  });

  it('are found by their indexes, whatever else the inbox holds', async () => {
    await shop.pool.query(`
      insert into waybill.inbox (handler, message_id, source, first_attempt_at)
      select 'send-receipt', 'arrival ' || n, 'https://shop.example', now() from generate_series(1, 20000) as n`);
    await shop.pool.query('analyze waybill.inbox');
    const startedAt = performance.now();

    const removed = await shop.database.retention.removeClaims({ olderThanMs: 3_600_000, most: 1_000 });

    const { rows } = await shop.pool.query<{ 'QUERY PLAN': string }>(`
      explain select ctid from waybill.inbox where outbox_id is null and first_attempt_at <= clock_timestamp() - interval '1 hour' order by first_attempt_at limit 10`);
    expect(removed).to.equal(0);
    expect(performance.now() - startedAt).to.be.below(1_000);
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).to.contain('inbox_aging');
  });
});
