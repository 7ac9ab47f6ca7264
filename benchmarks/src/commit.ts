import { UnitOfWork } from '@waybill/core';
import type { Database, Projector } from '@waybill/core';
import { atLeast } from './figure.js';
import type { Figure, Verdict } from './figure.js';
import { Order, OrderPlaced, orderList } from './order.js';
import { inTurn } from './rounds.js';
import type { Scratch } from './scratch.js';
import type { Holdings, Shop } from './shop.js';
import { rateOf } from './side-by-side.js';
import type { Sizes } from './sizes.js';

export const AT_ONCE = 16;

/** One new stream, one event, one row of a read model in each transaction; 16 at once. */
export async function commit<Tx>({ rounds, commits }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const { targets, words } = scratch;
  const [ours, byHand, naive] = [await scratch.shop(), await scratch.shop(), await scratch.shop()];
  const commitOurs = commitsOf(ours.database, [orderList(ours)]);
  let round = 0;
  const many = (act: (id: string) => Promise<unknown>) => async () => {
    const run = String(round++);
    return rateOf(commits, AT_ONCE, (nth) => act(`${run}-${nth}`));
  };
  const result = await inTurn(rounds, {
    ours: many(commitOurs),
    byHand: many((id) => byHand.commitByHand(id)),
    naive: many((id) => naive.naive.commit(id)),
  });

  const expected = commits * (rounds + 1);
  const line = {
    ...{ section: 'commit', name: 'projection + event, 16 at once', unit: 'commits/s' },
    ...{ ours: result.rate('ours'), verdict: agree(await ours.holdings(), expected) },
  };
  const [toByHand, toNaive] = [result.ratio('ours', 'byHand'), result.ratio('ours', 'naive')];
  return [
    {
      ...line,
      yardstick: { name: 'the same by hand', value: result.rate('byHand'), verdict: agree(await byHand.holdings(), expected) },
      ratio: toByHand,
      target: targets.commit.toByHand === undefined ? undefined : atLeast(targets.commit.toByHand, toByHand),
    },
    {
      ...line,
      yardstick: { name: words.naive, value: result.rate('naive'), verdict: await naiveRows(naive, expected) },
      ratio: toNaive,
      target: atLeast(targets.commit.toNaive, toNaive),
    },
  ];
}

/** A unit of work that places an order. */
export function commitsOf<Tx>(database: Database<Tx>, projectors: readonly Projector<Tx>[] = []): (id: string) => Promise<unknown> {
  const unitOfWork = new UnitOfWork({ database, catalogue: [OrderPlaced], projectors });
  return (id) => unitOfWork.run(async ({ track }) => void track(new Order(id).place()));
}

/** Every head, every message and every projection is there, once, and they name each other. */
function agree({ heads, messages, listed, whole }: Holdings, expected: number): Verdict {
  const right = [heads, messages, listed, whole].every((count) => count === expected);
  return {
    right,
    found: right
      ? `${expected} heads, messages and projections agree`
      : `of ${expected}: ${heads} heads, ${messages} messages, ${listed} projections, ${whole} agree`,
  };
}

async function naiveRows<Tx>({ naive }: Shop<Tx>, expected: number): Promise<Verdict> {
  const messages = await naive.count();
  return { right: messages === expected, found: `${messages} messages; see the race for its reader` };
}
