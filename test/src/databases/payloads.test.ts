import { randomUUID } from 'node:crypto';
import { defineEvent, Dispatcher, unchecked, UnitOfWork } from '@waybill/core';
import type { DomainEvent, OutboxMessage } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { superjsonCodec } from '@waybill/core/superjson';
import { expect } from 'chai';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';

const Anything = defineEvent('Anything', unchecked<unknown>());
const Rich = defineEvent('Rich', unchecked<{ big: bigint; at: Date; tags: Set<string>; exact: string; bytes: Uint8Array }>(), {
  codec: superjsonCodec,
});

onEveryDatabase('payloads', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  before(async () => (shop = await open()));
  after(() => shop.close());

  async function roundTrip(event: DomainEvent, metadata: Record<string, string> = {}): Promise<OutboxMessage> {
    const sink = new InMemorySink();
    const catalogue = [Anything, Rich];
    const route = randomUUID();
    const unitOfWork = new UnitOfWork({ database: shop.database, catalogue });
    const dispatcher = new Dispatcher({ database: shop.database, catalogue, routes: { [route]: { sink, start: 'now' } } });
    await dispatcher.start();
    const receipt = await unitOfWork.run(async ({ append }) => append('key', event, { metadata }));
    await dispatcher.delivered(receipt, route);
    await dispatcher.stop();
    return sink.delivered.at(-1)!;
  }

  for (const [what, data] of [
    ['text that some databases refuse', { nul: 'a\0b', half: '\ud800', quote: `"'\\` }],
    ['keys in the order they were written', { b: 1, a: 2, 10: 3, B: 4 }],
    ['emoji and line ends', { text: '🚚\r\n\t\u2028' }],
    ['null', null],
    ['a bare number', 1.5e-7],
    ['keys that a document store gives a meaning to', { $set: 1, 'a.b': 2, '': 3, _id: 4 }],
    ['a deep tree', JSON.parse('['.repeat(200) + ']'.repeat(200))],
    ['a hundred kilobytes', { text: 'é'.repeat(50_000) }],
  ] as const) {
    it(`delivers ${what} byte for byte`, async () => {
      const message = await roundTrip(Anything(data));

      expect(message.payload).to.equal(JSON.stringify(data));
      expect(message.data).to.deep.equal(data);
    });
  }

  it('delivers bigint, Date, decimals, binary and Set with the superjson codec', async () => {
    const data = {
      ...{ big: 2n ** 70n, at: new Date('2024-02-29T12:00:00.123Z'), tags: new Set(['a', 'b']) },
      ...{ exact: '0.1000000000000000055511151231257827', bytes: new Uint8Array([0, 127, 128, 255]) },
    };

    const message = await roundTrip(Rich(data));

    expect(message.data).to.deep.equal(data);
    expect(message.codec).to.equal('superjson');
  });

  it('keeps metadata as it was given', async () => {
    const { metadata } = await roundTrip(Anything(1), { tenant: 'a\0\ud800"é' });

    expect(metadata['tenant']).to.equal('a\0\ud800"é');
  });
});
