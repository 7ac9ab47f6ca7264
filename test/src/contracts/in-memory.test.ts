import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { databaseContract } from '@waybill/testing';
import type { DatabaseFixture } from '@waybill/testing';

async function open(): Promise<DatabaseFixture<InMemoryTx>> {
  const written: string[] = [];
  return {
    database: new InMemoryDatabase(),
    write: async (key, tx) => tx.onCommit(() => written.push(key)),
    written: async () => written,
    close: async () => {},
  };
}

databaseContract('in-memory', open, { conflicts: 'at-append', processes: false });
