import type { TransactionRunner } from '@waybill/core';
import { gate } from '../builders/gate.js';
import { rejection } from './rejection.js';

/** A transaction whose work is done, and that stays open until it is told how to end. */
export interface HeldTransaction<Result> {
  commit(): Promise<Result>;
  rollBack(): Promise<void>;
}

/** @returns once `work` is done; rejects when it fails */
export async function holdTransaction<Tx, Result>(
  transactions: TransactionRunner<Tx>,
  work: (tx: Tx) => Promise<Result>,
): Promise<HeldTransaction<Result>> {
  const [isDone, mayEnd] = [gate(), gate()];
  let rollsBack = false;
  const ended = transactions.run(async (tx) => {
    const result = await work(tx);
    isDone.open();
    await mayEnd.opened;
    if (rollsBack) throw new Error('rolled back');
    return result;
  });
  await Promise.race([isDone.opened, ended]);
  return {
    commit: () => (mayEnd.open(), ended),
    rollBack: async () => {
      rollsBack = true;
      mayEnd.open();
      await rejection(ended);
    },
  };
}
