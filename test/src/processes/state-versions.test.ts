import { expect } from 'chai';
import { defineState, processManager, unchecked } from '@waybill/core';
import type { ProcessManager } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { z } from 'zod';
import { Desk } from './desk.js';
import { Placed, StockReserved } from './fulfilment.js';

const First = defineState(z.object({ total: z.number() }));
const Second = First.next(z.object({ totalCents: z.number().int() }), ({ total }) => ({ totalCents: Math.round(total * 100) }));
const key = { key: ({ data }: { readonly data: { readonly orderId: string } }) => data.orderId };

describe('what a process remembers', () => {
  const before: ProcessManager = processManager('fulfilment', { state: First, initial: () => ({ total: 42 }), steps: {} })
    .startsWith(Placed, key, async () => {})
    .on(StockReserved, key, async () => {});
  const after: ProcessManager = processManager('fulfilment', { state: Second, initial: () => ({ totalCents: 0 }), steps: {} })
    .startsWith(Placed, key, async () => {})
    .on(StockReserved, key, async (_, { state }) => void state.totalCents++);

  it('is read in the shape of today, and stored in it', async () => {
    const database = new InMemoryDatabase();
    await new Desk({ database, process: before }).tell(Placed({ orderId: '7', totalCents: 1 }));

    const desk = new Desk({ database, process: after });
    await desk.tell(StockReserved({ orderId: '7' }));

    const { state, schemaVersion } = (await desk.process('7'))!;
    expect({ state: JSON.parse(state) as unknown, schemaVersion }).to.deep.equal({ state: { totalCents: 4_201 }, schemaVersion: 2 });
  });

  it('waits in a process of before, which cannot read it, and is left as it is', async () => {
    const database = new InMemoryDatabase();
    await new Desk({ database, process: after }).tell(Placed({ orderId: '7', totalCents: 1 }));
    const old = new Desk({ database, process: before });
    const stored = await old.process('7');

    const failure: unknown = await old.tell(StockReserved({ orderId: '7' })).catch((error: unknown) => error);

    expect(failure).to.include({ code: 'SINK_UNAVAILABLE' });
    expect((failure as Error).message).to.include('deploy what wrote it');
    expect(await old.process('7')).to.deep.equal(stored);
  });

  it('is refused when it does not fit its schema', async () => {
    const process = processManager('fulfilment', { state: First, initial: () => ({ total: 'many' as unknown as number }), steps: {} });
    const desk = new Desk({ database: new InMemoryDatabase(), process: process.startsWith(Placed, key, async () => {}) });

    const failure: unknown = await desk.tell(Placed({ orderId: '7', totalCents: 1 })).catch((error: unknown) => error);

    expect((failure as Error).message).to.include('state');
    expect(await desk.process('7')).to.equal(undefined);
  });

  it('may be nothing at all', async () => {
    const Nothing = defineState(unchecked<null>());
    const process = processManager('fulfilment', { state: Nothing, initial: () => null, steps: {} });
    const desk = new Desk({ database: new InMemoryDatabase(), process: process.startsWith(Placed, key, async (_, { end }) => end()) });

    await desk.tell(Placed({ orderId: '7', totalCents: 1 }));

    expect(await desk.look('7')).to.equal('completed: ');
  });
});
