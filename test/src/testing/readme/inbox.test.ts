import { InMemoryDatabase } from '@waybill/core/in-memory';
import { inboxStoreContract } from '@waybill/testing';

inboxStoreContract('my own', async () => {
  const written: string[] = [];
  const { inbox, transactions } = new InMemoryDatabase(); // yours
  return {
    database: { inbox, transactions },
    write: async (key, tx) => tx.onCommit(() => written.push(key)),
    written: async () => [...written],
    close: async () => {},
  };
});
