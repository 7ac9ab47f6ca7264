import { Dispatcher } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { expect } from 'chai';
import type { Db } from 'mongodb';
import { readFile } from 'node:fs/promises';
import { restoreDump } from '../identity/mongodb-dump.js';
import { failureOf } from '../shop/failure-of.js';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from './mongodb-shop.js';
import type { MongoDBShop } from './mongodb-shop.js';

describe('an outbox on MongoDB that was restored or copied', function () {
  this.timeout(30_000);
  let shop: MongoDBShop;
  before(async () => {
    shop = await openShop();
    await shop.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
  });
  after(() => shop.close());

  async function start({ waybill }: MongoDBShop): Promise<void> {
    const routes = { memory: { sink: new InMemorySink(), start: 'now' as const } };
    const dispatcher = new Dispatcher({ database: waybill, catalogue: [NoteWritten], routes });
    await dispatcher.start();
    await dispatcher.stop();
  }

  it('starts where it was made', async () => {
    await shop.waybill.verify();
  });

  it('is refused in another database, as a dump restored there', async () => {
    const copy = await openShop();
    await restoreDump(shop.db, copy.db);

    const error = await failureOf('DATABASE_REPLACED', () => start(copy));

    expect(error.message).to.contain('waybill_outbox').and.to.contain('Before you restore a database');
    await copy.close();
  });

  it('is refused in its own place, after an older dump was restored over it', async () => {
    const own = await openShop();
    await own.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
    const dump = await openShop();
    await restoreDump(own.db, dump.db);
    await own.unitOfWork.run(async ({ track }) => track(new Notebook('2')).write('x'));
    await restoreDump(dump.db, own.db);

    await failureOf('DATABASE_REPLACED', () => start(own));

    await Promise.all([own.close(), dump.close()]);
  });

  it('is refused when the counter alone has gone back', async () => {
    const own = await openShop();
    await own.waybill.routes.save({ name: 'all', order: 'stream', selection: {}, start: 'beginning' });
    await own.unitOfWork.run(async ({ track }) => track(new Notebook('1')).write('x'));
    await own.waybill.wakeUps.pulse();
    await own.db.collection<{ _id: string }>('waybill_sequencer').updateOne({ _id: 'sequencer' }, { $set: { position: 0n } });

    const error = await failureOf('DATABASE_REPLACED', () => start(own));

    expect(error.message).to.contain('position 1').and.to.contain('given is 0');
    await own.close();
  });

  it('is adopted, and then starts', async () => {
    const copy = await openShop();
    await restoreDump(shop.db, copy.db);

    await copy.waybill.adopt();

    await start(copy);
    await copy.close();
  });

  it('can be looked at as the docs say', async () => {
    const names = (await shop.db.listCollections({}, { nameOnly: true }).toArray()).map(({ name }) => name);

    const asked = await inShell(shop.db, 'mongodb-look.js');

    expect(names).to.include.members([...asked]);
    expect(asked).to.have.property('size', 7);
  });
});

/** Runs a sample of the docs as mongosh does, where `db` gives collections by name and waits by itself. Answers the collections it asked for. */
async function inShell(db: Db, sample: string): Promise<ReadonlySet<string>> {
  const asked = new Set<string>();
  const waited: unknown[] = [];
  const waiting = (target: object): object =>
    new Proxy(target, {
      get: (of, name) => {
        const method = Reflect.get(of, name) as (...args: unknown[]) => object;
        return (...args: unknown[]) => {
          const result = method.apply(of, args);
          waited.push('toArray' in result ? (result as { toArray(): unknown }).toArray() : result);
          return result;
        };
      },
    });
  const shell = new Proxy(db, {
    get: (_, name) => {
      asked.add(String(name));
      return waiting(db.collection(String(name)));
    },
  });
  const code = await readFile(new URL(`../../../docs/${sample}`, import.meta.url), 'utf8');
  new Function('db', code)(shell); // eslint-disable-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call -- what else runs a sample for another shell
  await Promise.all(waited);
  return asked;
}
