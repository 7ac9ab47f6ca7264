import type { Database } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import type { DatabaseFixture } from '@waybill/testing';

export type Replace = (database: InMemoryDatabase) => Partial<Database<InMemoryTx>>;

/** Opens the in-memory database with some of its ports replaced by broken ones. */
export const brokenDatabase = (replace: Replace) => async (): Promise<DatabaseFixture<InMemoryTx>> => {
  const database = new InMemoryDatabase();
  const written: string[] = [];
  return {
    database: overlay<Database<InMemoryTx>>(database, replace(database)),
    write: async (key, tx) => tx.onCommit(() => written.push(key)),
    written: async () => [...written],
    close: async () => {},
  };
};

/** The same object, but for these members. */
export function overlay<Target extends object>(target: Target, members: Partial<Target>): Target {
  return new Proxy(target, {
    get(_target, name) {
      const member: unknown = name in members ? members[name as keyof Target] : target[name as keyof Target];
      return typeof member === 'function' && !(name in members) ? (member.bind(target) as unknown) : member;
    },
  });
}
