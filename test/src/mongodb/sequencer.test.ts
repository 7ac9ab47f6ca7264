import { defineEvent, laneOf, streamHash, unchecked, UnitOfWork } from '@waybill/core';
import { eventually } from '@waybill/testing';
import { expect } from 'chai';
import type { Document } from 'mongodb';
import { mongodbDatabase } from '../servers.js';
import { MongoDBDoor } from './mongodb-door.js';
import { openShop } from './mongodb-shop.js';
import type { Address, MongoDBShop } from './mongodb-shop.js';

const Counted = defineEvent('Counted', unchecked<{ nth: number }>());

interface Numbered {
  readonly _id: { readonly stream: string; readonly revision: number };
  readonly position?: number;
}

describe('the sequencer on MongoDB', function () {
  this.timeout(60_000);
  let at: Address;
  let main: MongoDBShop;
  const others: { close(): Promise<void> }[] = [];
  beforeEach(async () => {
    at = await mongodbDatabase();
    main = await openShop({ at });
  });
  afterEach(async () => {
    for (const other of others.splice(0)) await other.close();
    await main.close();
  });

  /** Another process on the same database. */
  async function another(url = at.url): Promise<MongoDBShop> {
    const shop = await openShop({ at: { ...at, url }, changeStream: false, clientOptions: { serverSelectionTimeoutMS: 1_000 } });
    others.push(shop);
    return shop;
  }

  /** Another process, which can be frozen and cut off at a command. */
  async function anotherBehindADoor(): Promise<{ shop: MongoDBShop; door: MongoDBDoor }> {
    const door = await MongoDBDoor.before(at.url);
    const shop = await another(door.url);
    others.push(door);
    return { shop, door };
  }

  async function commit({ waybill }: MongoDBShop, ...keys: readonly string[]): Promise<void> {
    const unitOfWork = new UnitOfWork({ database: waybill, catalogue: [Counted] });
    for (const [nth, key] of keys.entries()) await unitOfWork.run(async ({ append }) => append(key, Counted({ nth })));
  }

  const outbox = (): Promise<readonly Numbered[]> =>
    main.db.collection('waybill_outbox').find().sort({ position: 1 }).project<Numbered>({ position: 1 }).toArray();

  /** Unique, consecutive from 1, and in the order of each stream. */
  async function expectEveryNumber(count: number): Promise<void> {
    expect(await main.waybill.wakeUps.pulse()).to.equal(String(count));
    const rows = await outbox();
    expect(rows.map(({ position }) => position)).to.deep.equal(Array.from({ length: count }, (_, nth) => nth + 1));
    const next = new Map<string, number>();
    for (const {
      _id: { stream, revision },
    } of rows) {
      expect(revision, stream).to.equal(next.get(stream) ?? 0);
      next.set(stream, revision + 1);
    }
  }

  const advancesTheCounter = (command: Document): boolean =>
    command['findAndModify'] === 'waybill_sequencer' && 'txnNumber' in command && command['autocommit'] === false;
  const numbers = (command: Document): boolean => command['update'] === 'waybill_outbox';

  it('gives consecutive numbers in the order of each stream, with four at it at once', async () => {
    const all = [main, ...(await Promise.all([another(), another(), another()]))];
    let writing = true;

    const writers = all.map((shop, nth) => commit(shop, ...Array.from({ length: 60 }, (_, n) => `key-${(n * 7 + nth) % 11}`)));
    const sequencers = all.map(async ({ waybill }) => {
      while (writing) await waybill.wakeUps.pulse();
    });
    await Promise.all(writers);
    writing = false;
    await Promise.all(sequencers);

    await expectEveryNumber(240);
  });

  it('goes on over more messages than a batch holds', async () => {
    const unitOfWork = new UnitOfWork({ database: main.waybill, catalogue: [Counted] });
    for (let round = 0; round < 3; round++) {
      await unitOfWork.run(async ({ append }) => {
        for (let nth = 0; nth < 700; nth++) append(`key-${nth % 5}`, Counted({ nth }));
      });
    }

    await expectEveryNumber(2_100);
  });

  it('gives what commits late a later number, and lets nobody wait for it', async () => {
    const late = main.client.startSession();
    late.startTransaction();
    const unitOfWork = new UnitOfWork({ database: main.waybill, catalogue: [Counted] });
    await unitOfWork.join({ session: late, db: main.db }, async ({ append }) => append('late', Counted({ nth: 0 })));
    await commit(main, 'early', 'early');

    const meanwhile = await main.waybill.wakeUps.pulse();
    await late.commitTransaction();
    await late.endSession();

    expect(meanwhile).to.equal('2');
    await expectEveryNumber(3);
    expect((await outbox()).at(-1)!._id.stream).to.equal('key-late');
  });

  it('puts a message into its lane that was written by a process that believes in another number of lanes', async () => {
    await commit(main, 'a', 'a');
    await main.db.collection('waybill_outbox').updateMany({}, { $set: { lane: 99 } });

    await main.waybill.wakeUps.pulse();

    const lanes = (await main.db.collection('waybill_outbox').find().toArray()).map(({ lane }) => lane as number);
    expect(lanes).to.deep.equal([laneOf(streamHash('key-a'), 16), laneOf(streamHash('key-a'), 16)]);
  });

  for (const [what, moment] of [
    ['before it has written the counter', advancesTheCounter],
    ['after it has written the counter', numbers],
    ['at its commit', (command: Document) => 'commitTransaction' in command],
  ] as const) {
    it(`that freezes ${what} is taken over, and changes nothing when it wakes up`, async () => {
      const { shop, door } = await anotherBehindADoor();
      await commit(shop, 'a', 'a', 'b');
      await shop.waybill.wakeUps.pulse();
      await commit(main, 'a', 'b');
      door.judge = (command) => (moment(command) ? 'hold' : 'pass');

      const frozen = shop.waybill.wakeUps.pulse();
      await door.held;
      await commit(main, 'c');
      await main.waybill.wakeUps.pulse();
      await expectEveryNumber(6);
      door.judge = () => 'pass';
      door.open();

      expect(await frozen).to.equal('6');
      await expectEveryNumber(6);
    });

    it(`that dies ${what} is taken over when its lease has run out`, async () => {
      const { shop, door } = await anotherBehindADoor();
      await commit(shop, 'a', 'b');
      await shop.waybill.wakeUps.pulse();
      await commit(main, 'a', 'b', 'c');
      let dead = false;
      door.judge = (command) => {
        dead ||= moment(command);
        return dead ? 'lose-request' : 'pass';
      };

      const died = shop.waybill.wakeUps.pulse().catch(() => {});
      await eventually('the death', async () => dead || undefined);
      const begun = performance.now();
      await main.waybill.wakeUps.pulse();
      const tookMs = performance.now() - begun;

      await expectEveryNumber(5);
      expect(tookMs).to.be.below(10_000);
      await shop.client.close();
      await died;
    });
  }
});
