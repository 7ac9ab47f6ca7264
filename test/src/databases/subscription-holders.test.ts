import { isWaybillError } from '@waybill/core';
import type { SubscriptionGrant } from '@waybill/core';
import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

const HOLDERS = 8;
const MESSAGES = 300;
/** Shorter than some of the pauses that holders make without knowing. */
const LEASE_MS = 20;
/** How a tenure ends: rolled back, where the server was told to end the transaction just before its commit, by who took over. */
const ENDS = ['SUBSCRIPTION_LOST', 'TRANSACTION_CONFLICT', 'TRANSACTION_ROLLED_BACK'] as const;

onEveryDatabase('a subscription that eight processes tear at', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  before(async () => (shop = await open()));
  after(() => shop.close());

  /** Handles one message after the other, and is frozen now and then: before, in the middle of and behind its transaction. */
  async function holdUntilLost({ lease, progress }: SubscriptionGrant, freeze: () => Promise<void>): Promise<void> {
    for (let next = (progress.position ?? 0n) + 1n; next <= MESSAGES; next++) {
      const advance = { position: next, lastMessage: next, messages: 1, streams: [{ stream: 'orders', revision: next }] };
      await freeze();
      await shop.database.transactions.run(async (tx) => {
        await shop.write(`message ${String(next).padStart(4, '0')}`, tx);
        await freeze();
        await shop.database.subscriptions.advance(lease, advance, tx);
      });
      await freeze();
    }
  }

  async function process(owner: string, freezes: { nth: number }): Promise<number> {
    const { subscriptions } = shop.database;
    const freeze = (): Promise<void> => (freezes.nth++ % 17 === 0 ? sleep(2 * LEASE_MS) : Promise.resolve());
    for (let grants = 0; ;) {
      if ((await subscriptions.find('orders'))!.position === BigInt(MESSAGES)) return grants;
      const grant = await subscriptions.acquire({ subscription: 'orders', owner, leaseMs: LEASE_MS });
      if (!grant) {
        await sleep(5);
        continue;
      }
      grants++;
      await holdUntilLost(grant, freeze).catch((error: unknown) => {
        if (!ENDS.some((code) => isWaybillError(error, code))) throw error;
      });
    }
  }

  it(`moves on once for each of ${MESSAGES} messages, whoever believes to hold it`, async function () {
    this.timeout(60_000);
    await shop.database.subscriptions.register('orders', 'a log', undefined);
    const freezes = { nth: 0 };

    const grants = await Promise.all(Array.from({ length: HOLDERS }, (_, nth) => process(`process ${nth}`, freezes)));

    const every = Array.from({ length: MESSAGES }, (_, nth) => `message ${String(nth + 1).padStart(4, '0')}`);
    expect(await shop.written()).to.deep.equal(every);
    expect(await shop.database.subscriptions.find('orders')).to.include({ position: BigInt(MESSAGES), messages: BigInt(MESSAGES) });
    expect(grants.filter((count) => count > 0).length, 'that held it').to.be.above(2);
  });
});
