import type { Scope, UnitOfWork } from '@waybill/core';
import { Order } from './order.js';
import { commandsOf } from './plan-orders.js';
import type { PlannedOrder } from './plan-orders.js';

export interface WriteOptions {
  readonly orders: readonly PlannedOrder[];
  readonly unitOfWork: UnitOfWork;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** Awaited before each command. */
  readonly turn: () => Promise<void>;
  readonly onCommit: () => void;
}

const SIDE_BY_SIDE = 8;
const UNDER_WAY = 100; // orders between their first and their last command

interface OrderUnderWay {
  readonly order: PlannedOrder;
  commandsDone: number;
}

/** Carries out every command: many orders under way at once, in a sequence that the random numbers decide. */
export async function writeOrders(options: WriteOptions): Promise<void> {
  const { orders, random, turn, onCommit, unitOfWork } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const waiting: OrderUnderWay[] = [];
  const toCome = orders.values();

  const next = (): OrderUnderWay | undefined => {
    while (waiting.length < UNDER_WAY) {
      const { done, value } = toCome.next();
      if (done) break;
      waiting.push({ order: value, commandsDone: 0 });
    }
    const [chosen] = waiting.splice(Math.floor(random() * waiting.length), 1);
    return chosen;
  };
  const write = async (): Promise<void> => {
    for (let order = next(); order && !signal.aborted; order = next()) {
      await turn();
      const current = order;
      await unitOfWork.run((scope) => carryOut(current, scope), { signal });
      onCommit();
      order.commandsDone += 1;
      if (order.commandsDone < commandsOf(order.order)) waiting.push(order);
    }
  };
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, write));
  } finally {
    failed.abort(); // one failed: the others stop after the command in hand
  }
}

async function carryOut({ order, commandsDone }: OrderUnderWay, { track, load }: Scope): Promise<void> {
  const { id, customerId, totals } = order;
  const totalCents = totals[commandsDone];
  if (totalCents === undefined) (await load(Order, id)).cancel();
  else if (commandsDone === 0) track(new Order(id)).place(customerId, totalCents);
  else (await load(Order, id)).change(totalCents);
}
