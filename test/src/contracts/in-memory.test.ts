import { CommitOutcomeUnknownError } from '@waybill/core';
import type { TransactionRunner } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { databaseContract } from '@waybill/testing';
import type { DatabaseFixture } from '@waybill/testing';

async function open(lanes?: number): Promise<DatabaseFixture<InMemoryTx>> {
  const written: string[] = [];
  const database = new InMemoryDatabase(lanes === undefined ? {} : { lanes });
  const connection = new Connection(database.transactions);
  return {
    database: Object.create(database, { transactions: { value: connection } }) as InMemoryDatabase,
    write: async (key, tx) => tx.onCommit(() => written.push(key)),
    written: async () => [...written],
    loseNextCommit: (request) => (connection.lose = request),
    close: async () => {},
  };
}

/** Loses the answer to a commit, as a cut connection does. */
class Connection implements TransactionRunner<InMemoryTx> {
  lose: 'carried-out' | 'lost' | undefined;
  readonly outcome: TransactionRunner<InMemoryTx>['outcome'];

  constructor(private readonly transactions: TransactionRunner<InMemoryTx>) {
    this.outcome = transactions.outcome.bind(transactions);
  }

  async run<Result>(work: (tx: InMemoryTx) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const result = await this.transactions.run(async (tx) => {
      const done = await work(tx);
      if (this.lose === 'lost') throw this.#cut();
      return done;
    }, signal);
    if (this.lose === 'carried-out') throw this.#cut();
    return result;
  }

  #cut(): Error {
    this.lose = undefined;
    return new CommitOutcomeUnknownError(undefined);
  }
}

databaseContract('in-memory', () => open(), { conflicts: 'at-append', processes: false, losesAnswers: true });
databaseContract(
  'in-memory, with one lane',
  () => open(1),
  { conflicts: 'at-append', processes: false },
  { raceEvents: 200, interleavings: 3 },
);
