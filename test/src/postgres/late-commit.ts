import type { Dispatcher, Receipt } from '@waybill/core';
import { gate } from '@waybill/testing';
import { next } from '../shop/dispatching.js';
import { Notebook } from '../shop/notebook.js';
import type { PostgresShop } from './postgres-shop.js';

export interface LateCommit {
  /** Of the message at which the lane has halted. */
  readonly bad: Receipt;
  /** Token of what was appended before it, and committed behind it. */
  readonly late: string;
}

/** A transaction that appends to `notebook-late`, and commits when the dispatcher has halted at a message of `notebook-bad`. */
export async function commitLate({ database, unitOfWork }: PostgresShop, dispatcher: Dispatcher<'memory'>): Promise<LateCommit> {
  const [appended, mayCommit] = [gate(), gate()];
  const late = database.transactions.run(async (tx) => {
    const { token } = await unitOfWork.join(tx, async ({ track }) => track(new Notebook('late')).write('x'));
    appended.open();
    await mayCommit.opened;
    return token;
  });
  await appended.opened;
  const halted = next(dispatcher, 'halted');
  const bad = await unitOfWork.run(async ({ track }) => track(new Notebook('bad')).write('x'));
  await halted;
  mayCommit.open();
  return { bad, late: await late };
}
