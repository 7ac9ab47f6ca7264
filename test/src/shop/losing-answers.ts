import { CommitOutcomeUnknownError } from '@waybill/core';
import type { TransactionRunner } from '@waybill/core';
import type { InMemoryDatabase, InMemoryTx } from '@waybill/core/in-memory';

/** What became of a commit whose answer is lost. */
export type Fate = 'committed' | 'rolled-back' | 'unknown';

/** A database whose answer to `commit` is lost on the way; what became of it is `fate`. */
export function losingAnswers(database: InMemoryDatabase, fate: Fate): InMemoryDatabase & { readonly asked: string[] } {
  const asked: string[] = [];
  const transactions: TransactionRunner<InMemoryTx> = {
    async run(work) {
      let ready = false;
      const sent = database.transactions.run(async (tx) => {
        await work(tx);
        ready = true;
        if (fate === 'rolled-back') throw new Error('the server went away');
      });
      await sent.catch((cause: unknown) => {
        if (!ready) throw cause;
      });
      throw new CommitOutcomeUnknownError(undefined);
    },
    async outcome(transactionId) {
      asked.push(transactionId);
      return fate === 'unknown' ? 'unknown' : database.transactions.outcome(transactionId);
    },
  };
  return Object.assign(Object.create(database) as InMemoryDatabase, { transactions, asked });
}
