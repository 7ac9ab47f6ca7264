import { randomUUID } from 'node:crypto';
import { InboxHandlers, UnitOfWork } from '@waybill/core';
import type { ArrivedMessage } from '@waybill/core';
import { AT_ONCE } from '../commit.js';
import { atLeast } from '../figure.js';
import type { Figure, Verdict } from '../figure.js';
import { OrderPlaced, PAYLOAD } from '../order.js';
import { inTurn } from '../rounds.js';
import type { Scratch } from '../scratch.js';
import { rateOf } from '../side-by-side.js';
import type { Sizes } from '../sizes.js';
import { HandlesNothing } from './handles-nothing.js';

/** One in so many comes once more, after what is measured. */
const AGAIN = 10;

/** An empty handler behind the inbox, 16 at once: against the claim written by hand, in a transaction for effects, and by itself. */
export async function behindClaims<Tx>({ rounds, handledMessages }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const [ours, byHand, alone] = [await scratch.shop(), await scratch.shop(), await scratch.shop()];
  const nothing = new HandlesNothing();
  const unitOfWork = new UnitOfWork({ database: ours.database, catalogue: [OrderPlaced] });
  const handlers = new InboxHandlers({ name: 'bench', database: ours.database, unitOfWork, handlers: [nothing] as readonly object[] });
  const { signal } = new AbortController();

  const handled: Record<'ours' | 'byHand' | 'alone', number> = { ours: 0, byHand: 0, alone: 0 };
  const contender = (name: keyof typeof handled, handle: (message: ArrivedMessage) => Promise<boolean>) => async () => {
    const messages = Array.from({ length: handledMessages }, anOrder);
    const once = async (nth: number): Promise<void> => void ((await handle(messages[nth]!)) && handled[name]++);
    const rate = await rateOf(handledMessages, AT_ONCE, once);
    await rateOf(Math.floor(handledMessages / AGAIN), AT_ONCE, (nth) => once(nth * AGAIN));
    return rate;
  };
  const result = await inTurn(rounds, {
    ours: contender('ours', async (message) => (await handlers.take(message, { signal })) === 'handled'),
    byHand: contender('byHand', ({ id }) => byHand.inboxByHand.inTransaction(id)),
    alone: contender('alone', ({ id }) => alone.inboxByHand.alone(id)),
  });

  const expected = handledMessages * (rounds + 1);
  const line = {
    ...{ section: 'receive', name: 'an empty handler behind its claim, 16 at once', unit: 'messages/s', ours: result.rate('ours') },
    verdict: once(expected, { handled: handled.ours, calls: nothing.calls, claims: await ours.claims() }),
  };
  const ratio = result.ratio('ours', 'byHand');
  return [
    {
      ...line,
      yardstick: {
        ...{ name: 'on conflict do nothing by hand, in a transaction', value: result.rate('byHand') },
        verdict: once(expected, { handled: handled.byHand, claims: await byHand.inboxByHand.count() }),
      },
      ...{ ratio, target: atLeast(0.9, ratio) },
    },
    {
      ...line,
      yardstick: {
        ...{ name: 'the same by hand without one: no effect could commit with it', value: result.rate('alone') },
        verdict: once(expected, { handled: handled.alone, claims: await alone.inboxByHand.count() }),
      },
      ratio: result.ratio('ours', 'alone'),
    },
  ];
}

/** Every count is as expected: what came again had no effect. */
export function once(expected: number, counts: Readonly<Record<string, number>>): Verdict {
  const right = Object.values(counts).every((count) => count === expected);
  const found = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return { right, found: right ? `${expected} once` : `of ${expected}: ${found.join(', ')}` };
}

function anOrder(): ArrivedMessage {
  const id = randomUUID();
  return {
    ...{ id, kind: 'event', type: 'OrderPlaced', stream: `order-${id}`, revision: 0n, occurredAt: new Date(), schemaVersion: 1 },
    ...{ codec: 'json', json: PAYLOAD, metadata: { correlationId: id }, source: '/benchmark' },
  };
}
