import type { LaneGrant, Settlement } from '@waybill/core';
import { MongoDBEmulator } from '@waybill/mongodb-emulator';
import { anAppend, aSettlement, aStoppedStream, anAttempt, eventually } from '@waybill/testing';
import { expect } from 'chai';
import type { Document } from 'mongodb';
import { randomUUID } from 'node:crypto';
import { mongodbDatabase } from '../servers.js';
import { failureOf } from '../shop/failure-of.js';
import { commandsOf, namesOf } from './commands-of.js';
import { MongoDBDoor } from './mongodb-door.js';
import { openShop } from './mongodb-shop.js';
import type { Address, MongoDBShop } from './mongodb-shop.js';

const LEASE_MS = 500;
const LANES = 4;

/** What a settlement costs, and what is left of one whose process did not live to see its end. */
describe('settlements on MongoDB', function () {
  this.timeout(60_000);
  const opened: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of opened.splice(0).reverse()) await one.close();
  });

  async function open(at: Address): Promise<MongoDBShop> {
    const clientOptions = { monitorCommands: true, serverSelectionTimeoutMS: 500 };
    const shop = await openShop({ at, lanes: LANES, changeStream: false, clientOptions });
    opened.push(shop);
    return shop;
  }

  /** A process that holds every lane of a route, behind a door that can cut it off at a command; and another one. */
  async function holderAndHeir(at: Address) {
    const door = await MongoDBDoor.before(at.url);
    opened.push(door);
    const [holder, heir] = [await open({ ...at, url: door.url }), await open(at)];
    await heir.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const grants = await acquire(holder, 'holder');
    /** The process dies at a command: neither it nor any later one arrives. */
    const dieAt = (moment: (command: Document) => boolean): void => {
      let isDead = false;
      door.judge = (command) => ((isDead ||= moment(command)) ? 'lose-request' : 'pass');
    };
    return { door, holder, heir, grants, dieAt };
  }

  const acquire = ({ waybill }: MongoDBShop, owner: string, leaseMs = LEASE_MS): Promise<readonly LaneGrant[]> =>
    waybill.leases.acquire({ route: 'all', owner, leaseMs, most: LANES });
  const settle = ({ waybill }: MongoDBShop, { lease, progress }: LaneGrant, settlement: Partial<Settlement>): Promise<void> =>
    waybill.lanes.settle(lease, aSettlement(progress.checkpoint, settlement));
  const takeOver = (shop: MongoDBShop): Promise<readonly LaneGrant[]> =>
    eventually('the leases expiring', async () => {
      const grants = await acquire(shop, 'heir', 60_000);
      return grants.length > 0 ? grants : undefined;
    });
  const idsIn = async ({ waybill }: MongoDBShop, stream: string): Promise<readonly string[]> =>
    (await waybill.transactions.run((tx) => waybill.outbox.headAndTail(stream, 0n, tx))).tail.map(({ id }) => id);
  const placeAt = (position: bigint) => ({ position }) as never;

  it('of a batch that was delivered are one command, with their line of the history', async () => {
    const shop = await open(await mongodbDatabase());
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const [lane] = await acquire(shop, 'one');
    const attempts = (): Pick<Settlement, 'attempts'> => ({ attempts: [anAttempt([randomUUID(), randomUUID()])] });
    await settle(shop, lane!, attempts()); // the first asks what the server can, and who holds the lane

    const sent = await commandsOf(shop.client, () => settle(shop, lane!, attempts()));

    expect(namesOf(sent)).to.deep.equal(['bulkWrite']);
    expect(await shop.db.collection('waybill_history').countDocuments()).to.equal(2);
  });

  it('of a lane whose route was retired write no line', async () => {
    const shop = await open(await mongodbDatabase());
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const [lane] = await acquire(shop, 'one');
    await settle(shop, lane!, { attempts: [anAttempt(['before'])] });
    await shop.waybill.routes.retire('all');

    await failureOf('LEASE_LOST', () => settle(shop, lane!, { attempts: [anAttempt(['after'])] }));

    expect(await shop.waybill.status.attempts({ messageId: 'after' })).to.deep.equal([]);
    expect(await shop.db.collection('waybill_lanes').countDocuments()).to.equal(0);
  });

  it('go on by two commands where the server takes writes to two collections no more', async () => {
    const emulator = await MongoDBEmulator.start();
    opened.push({ close: () => emulator.stop() });
    const shop = await open({ url: emulator.url, database: 'older' });
    await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    const [lane] = await acquire(shop, 'one');
    await settle(shop, lane!, { attempts: [anAttempt(['one'])] });
    await shop.client
      .db('admin')
      .command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data: { failCommands: ['bulkWrite'], errorCode: 115 } });

    await settle(shop, lane!, { checkpoint: placeAt(3n), attempts: [anAttempt(['two'])] });
    await settle(shop, lane!, { checkpoint: placeAt(4n), attempts: [anAttempt(['three'])] });

    for (const messageId of ['one', 'two', 'three']) expect(await shop.waybill.status.attempts({ messageId })).to.have.length(1);
  });

  it('are repeated when the connection breaks, and leave one line', async () => {
    const { door, holder, heir, grants } = await holderAndHeir(await mongodbDatabase());
    await settle(holder, grants[0]!, { attempts: [anAttempt(['before'])] });
    let lost = 0;
    door.judge = (command) => ('bulkWrite' in command && lost++ === 0 ? 'lose-answer' : 'pass');

    await settle(holder, grants[0]!, { checkpoint: placeAt(3n), attempts: [anAttempt(['once'])] });

    expect(lost).to.equal(2);
    expect(await heir.waybill.status.attempts({ messageId: 'once' })).to.have.length(1);
  });

  it('of a process that is killed between lane and line keep the lane, and lack the line', async () => {
    const emulator = await MongoDBEmulator.start({ maxWireVersion: 21 });
    opened.push({ close: () => emulator.stop() });
    const { holder, heir, grants, dieAt } = await holderAndHeir({ url: emulator.url, database: 'killed' });
    dieAt((command) => command['update'] === 'waybill_history');

    await settle(holder, grants[0]!, { checkpoint: placeAt(3n), attempts: [anAttempt(['lost'])] });

    const heirs = await takeOver(heir);
    expect(heirs[0]!.progress.checkpoint).to.deep.equal({ position: 3n });
    expect(await heir.waybill.status.attempts({ messageId: 'lost' })).to.deep.equal([]);
  });

  for (const [what, moment] of [
    ['after it has written the lane', (command: Document) => command['update'] === 'waybill_stopped_streams'],
    ['at its commit', (command: Document) => 'commitTransaction' in command],
  ] as const) {
    it(`of a process that is killed ${what} are as if they had not been, and keep nobody from the lanes`, async () => {
      const { holder, heir, grants, dieAt } = await holderAndHeir(await mongodbDatabase());
      const reply = anAppend('key-k');
      dieAt(moment);

      const dying = settle(holder, grants[1]!, {
        checkpoint: placeAt(3n),
        stopped: [aStoppedStream('order-7', 2n)],
        attempts: [anAttempt(['undone'])],
        replies: [reply],
      }).catch(() => {});
      const begun = performance.now();
      const heirs = await takeOver(heir);
      const tookMs = performance.now() - begun;

      expect(heirs.map(({ lease }) => lease.lane)).to.deep.equal([0, 1, 2, 3]);
      expect(tookMs).to.be.below(LEASE_MS + 3_000);
      expect(heirs[1]!.progress).to.deep.include({ checkpoint: { position: 0n }, suspects: 1 });
      expect(await heir.waybill.lanes.stopped(heirs[1]!.lease)).to.deep.equal([]);
      expect(await heir.waybill.status.attempts({ messageId: 'undone' })).to.deep.equal([]);
      expect(await idsIn(heir, 'key-k')).to.deep.equal([]);
      await settle(heir, heirs[1]!, { checkpoint: placeAt(4n), replies: [reply] });
      expect(await idsIn(heir, 'key-k')).to.deep.equal([reply.messages[0]!.id]);
      await holder.client.close();
      await dying;
    });
  }

  for (const request of ['carried-out', 'lost'] as const) {
    it(`leave a reply once where the answer to the commit is lost, which was ${request}, and it is stored again`, async () => {
      const at = await mongodbDatabase();
      const door = await MongoDBDoor.before(at.url);
      opened.push(door);
      const shop = await openShop({ at: { ...at, url: door.url }, lanes: LANES, changeStream: false, commitTimeoutMs: 300 });
      opened.push(shop);
      await shop.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
      const [lane] = await acquire(shop, 'one', 60_000);
      const reply = anAppend('key-k');

      door.loseNextCommit(request);
      const first = settle(shop, lane!, { replies: [reply] });
      // One that was carried out the driver finds out about by itself.
      await (request === 'lost' ? failureOf('DATABASE_UNAVAILABLE', () => first) : first);
      await settle(shop, lane!, { replies: [reply] });

      expect(await idsIn(shop, 'key-k')).to.deep.equal([reply.messages[0]!.id]);
    });
  }

  it('of a process that was frozen at its commit change nothing once it is taken over, and say so', async () => {
    const { door, holder, heir, grants } = await holderAndHeir(await mongodbDatabase());
    door.judge = (command) => ('commitTransaction' in command ? 'hold' : 'pass');

    const frozen = failureOf('LEASE_LOST', () =>
      settle(holder, grants[1]!, { checkpoint: placeAt(3n), stopped: [aStoppedStream('order-7', 2n)] }),
    );
    await door.held;
    const heirs = await takeOver(heir);
    await settle(heir, heirs[1]!, { checkpoint: placeAt(9n) });
    door.judge = () => 'pass';
    door.open();

    await frozen;
    expect(await heir.waybill.lanes.stopped(heirs[1]!.lease)).to.deep.equal([]);
    const [lane] = await heir.db.collection('waybill_lanes').find({ '_id.lane': 1 }).toArray();
    expect(lane!['position']).to.equal(9);
  });

  it('whose session may not be ended keep their own lane for as long as the server says, and no other', async () => {
    const emulator = await MongoDBEmulator.start({ transactionLifetimeMs: 4_000 });
    opened.push({ close: () => emulator.stop() });
    const { holder, heir, grants, dieAt } = await holderAndHeir({ url: emulator.url, database: 'forbidden' });
    await heir.client
      .db('admin')
      .command({ configureFailPoint: 'failCommand', mode: 'alwaysOn', data: { failCommands: ['killSessions'], errorCode: 13 } });
    dieAt((command) => 'commitTransaction' in command);

    const dying = settle(holder, grants[1]!, { stopped: [aStoppedStream('order-7', 2n)] }).catch(() => {});
    const others = await takeOver(heir);
    const late = await takeOver(heir);

    expect(others.map(({ lease }) => lease.lane)).to.deep.equal([0, 2, 3]);
    expect(late.map(({ lease }) => lease.lane)).to.deep.equal([1]);
    await holder.client.close();
    await dying;
  });
});
