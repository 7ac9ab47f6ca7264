import { randomUUID } from 'node:crypto';
import { InboxHandlers, UnitOfWork } from '@waybill/core';
import type { ArrivedMessage } from '@waybill/core';
import { AT_ONCE } from '../commit.js';
import { atLeast } from '../figure.js';
import type { Figure } from '../figure.js';
import { OrderPlaced, PAYLOAD } from '../order.js';
import { inTurn } from '../rounds.js';
import type { Scratch } from '../scratch.js';
import { rateOf } from '../side-by-side.js';
import type { Sizes } from '../sizes.js';
import { HandlesNothing } from './handles-nothing.js';
import { HandledCount } from './handled-count.js';

/** One in so many comes once more, after what is measured. */
const AGAIN = 10;

/** An empty handler behind the inbox: against the claim written by hand, in a transaction for effects, and by itself. */
export async function behindClaims<Tx>(sizes: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  return [
    ...(await soManyAtOnce(1, sizes.handledMessages / 4, sizes, scratch)),
    ...(await soManyAtOnce(AT_ONCE, sizes.handledMessages, sizes, scratch)),
  ];
}

async function soManyAtOnce<Tx>(atOnce: number, messages: number, { rounds }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const [ours, byHand, alone] = [await scratch.shop(), await scratch.shop(), await scratch.shop()];
  const nothing = new HandlesNothing();
  const unitOfWork = new UnitOfWork({ database: ours.database, catalogue: [OrderPlaced] });
  const handlers = new InboxHandlers({ name: 'bench', database: ours.database, unitOfWork, handlers: [nothing] as readonly object[] });
  const { signal } = new AbortController();

  const counts = { ours: new HandledCount(), byHand: new HandledCount(), alone: new HandledCount() };
  const contender = (name: keyof typeof counts, handle: (message: ArrivedMessage) => Promise<boolean>) => async () => {
    const orders = Array.from({ length: messages }, anOrder);
    const one = (nth: number): Promise<void> => counts[name].note(handle(orders[nth]!));
    const rate = await counts[name].measured(messages, () => rateOf(messages, atOnce, one));
    await rateOf(Math.floor(messages / AGAIN), atOnce, (nth) => one(nth * AGAIN));
    return rate;
  };
  const result = await inTurn(rounds, {
    ours: contender('ours', async (message) => (await handlers.take(message, { signal })) === 'handled'),
    byHand: contender('byHand', ({ id }) => byHand.inboxByHand.inTransaction(id)),
    alone: contender('alone', ({ id }) => alone.inboxByHand.alone(id)),
  });

  const line = {
    ...{ section: 'receive', name: `an empty handler behind its claim, ${atOnce} at once`, unit: 'messages/s', ours: result.rate('ours') },
    verdict: counts.ours.verdict({ handled: counts.ours.handled, calls: nothing.calls, claims: await ours.claims() }),
  };
  const ratio = result.ratio('ours', 'byHand');
  return [
    {
      ...line,
      yardstick: {
        ...{ name: 'on conflict do nothing by hand, in a transaction', value: result.rate('byHand') },
        verdict: counts.byHand.verdict({ handled: counts.byHand.handled, claims: await byHand.inboxByHand.count() }),
      },
      ...{ ratio, target: atLeast(0.9, ratio) },
    },
    {
      ...line,
      yardstick: {
        ...{ name: 'the same by hand without one: no effect could commit with it', value: result.rate('alone') },
        verdict: counts.alone.verdict({ handled: counts.alone.handled, claims: await alone.inboxByHand.count() }),
      },
      ratio: result.ratio('ours', 'alone'),
    },
  ];
}

function anOrder(): ArrivedMessage {
  const id = randomUUID();
  return {
    ...{ id, kind: 'event', type: 'OrderPlaced', stream: `order-${id}`, revision: 0n, occurredAt: new Date(), schemaVersion: 1 },
    ...{ codec: 'json', json: PAYLOAD, metadata: { correlationId: id }, source: '/benchmark' },
  };
}
