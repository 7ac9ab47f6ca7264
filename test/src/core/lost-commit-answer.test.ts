import { expect } from 'chai';
import { UnitOfWork } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { losingAnswers } from '../shop/losing-answers.js';
import type { Fate } from '../shop/losing-answers.js';
import { Order, orderEvents } from '../shop/order.js';

describe('a commit whose answer is lost', () => {
  let database: InMemoryDatabase;

  beforeEach(() => {
    database = new InMemoryDatabase();
  });

  const losing = (fate: Fate): { readonly unitOfWork: UnitOfWork<InMemoryTx>; readonly asked: readonly string[] } => {
    const lossy = losingAnswers(database, fate);
    return { unitOfWork: new UnitOfWork({ database: lossy, catalogue: orderEvents }), asked: lossy.asked };
  };

  it('is found out to be committed, and answered as if nothing had happened', async () => {
    const { unitOfWork, asked } = losing('committed');
    const order = Order.placed('7');

    const receipt = await unitOfWork.run(async ({ track }) => (track(order), 'done'));

    expect(receipt.result).to.equal('done');
    expect(receipt.messages).to.have.length(1);
    expect(order.pending).to.deep.equal([]);
    expect(asked).to.have.length(1);
  });

  it('wakes the dispatcher all the same', async () => {
    const { unitOfWork } = losing('committed');
    const stop = new AbortController();
    let hints = 0;
    const listening = database.wakeUps.listen(() => void hints++, stop.signal);

    await unitOfWork.run(async ({ track }) => track(Order.placed('7')));

    expect(hints).to.equal(1);
    stop.abort();
    await listening;
  });

  it('is found out to be rolled back, which is safe to repeat', async () => {
    const { unitOfWork } = losing('rolled-back');
    const order = Order.placed('7');

    const error = await failureOf('DATABASE_UNAVAILABLE', () => unitOfWork.run(async ({ track }) => track(order)));

    expect(error.message).to.include('Nothing was committed; it is safe to repeat');
    expect(error.cause).to.have.property('code', 'COMMIT_OUTCOME_UNKNOWN');
    expect(order.pending).to.have.length(1);
    expect((await database.routes.outbox()).empty).to.equal(true);
  });

  it('is not guessed at when nobody can tell', async () => {
    const { unitOfWork, asked } = losing('unknown');
    const order = Order.placed('7');

    const error = await failureOf('COMMIT_OUTCOME_UNKNOWN', () =>
      unitOfWork.run(async ({ track }) => track(order), { retryOnConflict: 5 }),
    );

    expect(error.transactionId).to.equal(asked[0]);
    expect(error.message).to.include(`transaction ${asked[0]}`).and.include('repeat it only with an idempotencyKey');
    expect(asked).to.have.length(1);
    expect(order.pending).to.have.length(1);
  });

  it('can be repeated with an idempotency key, whatever became of it', async () => {
    let runs = 0;
    const request = (unitOfWork: UnitOfWork<InMemoryTx>): Promise<{ readonly repeated: boolean }> =>
      unitOfWork.run(async ({ track }) => void (runs++, track(Order.placed('7'))), { idempotencyKey: 'request-1' });
    await failureOf('COMMIT_OUTCOME_UNKNOWN', () => request(losing('unknown').unitOfWork));

    const { repeated } = await request(new UnitOfWork({ database, catalogue: orderEvents }));

    expect(repeated).to.equal(true);
    expect(runs).to.equal(1);
  });

  it('is not asked about where the work itself failed', async () => {
    const { unitOfWork, asked } = losing('committed');

    const error = await unitOfWork.run(() => Promise.reject(new Error('no'))).catch((thrown: unknown) => thrown);

    expect(error).to.have.property('message', 'no');
    expect(asked).to.deep.equal([]);
  });
});
