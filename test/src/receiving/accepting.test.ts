import { expect } from 'chai';
import { ArrivalLog, TransactionConflictError } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { aParcel, ParcelShipped } from './parcels.js';
import { take } from './reception.js';

describe('accepting an arrival', () => {
  let database: InMemoryDatabase;
  beforeEach(() => (database = new InMemoryDatabase()));
  const logOver = (inner: InMemoryDatabase, inOrder = false): ArrivalLog<InMemoryTx> =>
    new ArrivalLog<InMemoryTx>({ name: 'parcels', database: inner, catalogue: [ParcelShipped], inOrder, random: () => 0 });

  /** Loses against others so many times before it appends. */
  function losing(times: number): InMemoryDatabase {
    let left = times;
    const outbox = Object.create(database.outbox, {
      append: {
        value: (...parameters: Parameters<InMemoryDatabase['outbox']['append']>) => {
          if (left-- > 0) throw new TransactionConflictError('deadlock');
          return database.outbox.append(...parameters);
        },
      },
    }) as InMemoryDatabase['outbox'];
    return Object.create(database, { outbox: { value: outbox } }) as InMemoryDatabase;
  }

  it('wakes the dispatcher, once for what is new', async () => {
    const stop = new AbortController();
    const hints: unknown[] = [];
    const listening = database.wakeUps.listen((hint) => hints.push(hint.kind), stop.signal);
    const parcel = aParcel('order-7');

    await take(logOver(database), parcel);
    await take(logOver(database), parcel);

    stop.abort();
    await listening;
    expect(hints).to.deep.equal(['committed']);
  });

  it('comes again when another transaction came first, a few times', async () => {
    expect(await take(logOver(losing(3)), aParcel('order-7'))).to.equal('accepted');

    await failureOf('TRANSACTION_CONFLICT', () => take(logOver(losing(4)), aParcel('order-8')));
  });

  it('counts a duplicate in its order when it was accepted while nobody asked for order', async () => {
    const [zero, one] = [aParcel('order-7', 0n, { previous: 'none' }), aParcel('order-7', 1n, { previous: 0n })];
    await take(logOver(database), zero);

    const taken = [await take(logOver(database, true), zero), await take(logOver(database, true), one)];

    expect(taken).to.deep.equal(['duplicate', 'accepted']);
  });
});
