import { expect } from 'chai';
import type { TransactionRunner } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { losingAnswers } from '../shop/losing-answers.js';
import type { Fate } from '../shop/losing-answers.js';
import { ManualClock } from '../shop/manual-clock.js';
import { Desk } from './desk.js';
import { fulfilmentOf, Placed, StockReserved } from './fulfilment.js';

const order = { orderId: '7' };
const LATER_MS = 1_000_000;

describe('a process whose commit loses its answer', () => {
  let clock: ManualClock;
  let real: InMemoryDatabase;
  let loses: Fate | undefined;
  let desk: Desk<InMemoryTx>;
  beforeEach(() => {
    clock = new ManualClock();
    real = new InMemoryDatabase({ lanes: 2, clock });
    loses = undefined;
  });
  afterEach(() => desk.managers.stop());

  /** Loses one answer, and what becomes of that commit is `loses`. */
  function losingOne(): InMemoryDatabase {
    let lost: Fate | undefined;
    const transactions: Pick<TransactionRunner<InMemoryTx>, 'run' | 'outcome'> = {
      run: (work, signal) => {
        if (!loses) return real.transactions.run(work, signal);
        [lost, loses] = [loses, undefined];
        return losingAnswers(real, lost).transactions.run(work, signal);
      },
      outcome: async (id, signal) => (lost === 'unknown' ? 'unknown' : real.transactions.outcome(id, signal)),
    };
    return Object.assign(Object.create(real) as InMemoryDatabase, { transactions });
  }

  for (const way of ['its time-out fires', 'it acts on what a step has answered'] as const)
    for (const fate of ['committed', 'rolled-back', 'unknown'] satisfies readonly Fate[])
      it(`does it once where ${way}, and the commit is ${fate}`, async () => {
        const [soonMs, laterMs] = [60_000, LATER_MS];
        const isTimeout = way === 'its time-out fires';
        const process = fulfilmentOf({
          ...(isTimeout ? { unpaidMs: soonMs, pendingMs: laterMs } : { unpaidMs: laterMs, pendingMs: soonMs }),
          askPayment: async () => 'compensate',
        });
        desk = new Desk<InMemoryTx>({ database: losingOne(), clock, process });
        await desk.tellAll(Placed({ ...order, totalCents: 4_200 }), StockReserved(order));
        await desk.managers.start();

        loses = fate;
        await clock.pass(2 * soonMs);

        expect(loses, 'the answer was lost').to.equal(undefined);
        expect(await desk.sent('7')).to.deep.equal(['ReserveStock', 'ChargeCard', ...(isTimeout ? [] : ['RefundCard']), 'ReleaseStock']);
        expect(await desk.look('7')).to.equal(`compensated: stock compensated, payment ${isTimeout ? 'failed' : 'compensated'}`);
        expect(await real.processes.due(['fulfilment'], 10)).to.deep.equal([]);
      });
});
