import { randomUUID } from 'node:crypto';
import { Dispatcher } from '@waybill/core';
import type { DispatcherEvents } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { Notebook, NoteWritten } from '../shop/notebook.js';
import { openShop } from '../postgres/postgres-shop.js';
import type { PostgresShop } from '../postgres/postgres-shop.js';

describe('the walk from a command on PostgreSQL to EventStoreDB', function () {
  this.timeout(30_000);
  let emulator: EventStoreDBEmulator;
  let eventstore: EventStoreDB;
  let shop: PostgresShop;
  let dispatcher: Dispatcher<'eventstoredb'>;

  before(async () => {
    emulator = await EventStoreDBEmulator.start();
    eventstore = new EventStoreDB(emulator.connectionString);
    shop = await openShop({ history: eventstore.history });
    const routes = { eventstoredb: { sink: eventstore.sink, retry: { firstMs: 5, maxMs: 20 } } };
    dispatcher = new Dispatcher({ database: shop.database, catalogue: [NoteWritten], routes, pollMs: 100 });
    await dispatcher.start();
  });
  after(async () => {
    await dispatcher.stop();
    await shop.close();
    await eventstore.close();
    await emulator.stop();
  });

  /** Somebody else's event, put there without the outbox: by a second dispatcher whose database is another. */
  async function appendFromElsewhere(id: string, ...texts: readonly string[]): Promise<void> {
    const other = await openShop({ history: eventstore.history });
    const elsewhere = new Dispatcher({
      database: other.database,
      catalogue: [NoteWritten],
      routes: { eventstoredb: { sink: eventstore.sink, start: 'beginning' } },
    });
    const receipt = await other.unitOfWork.run(async ({ find, track }) => {
      const notebook = (await find(Notebook, id)) ?? track(new Notebook(id));
      for (const text of texts) notebook.write(text);
    });
    await elsewhere.start();
    await elsewhere.delivered(receipt, 'eventstoredb');
    await elsewhere.stop();
    await other.close();
  }

  const stored = (id: string): readonly unknown[] =>
    emulator.read(`notebook-${id}`).map(({ data }) => (JSON.parse(Buffer.from(data).toString()) as { text: string }).text);
  const nextHalt = (): Promise<DispatcherEvents['halted']> => new Promise((resolve) => dispatcher.on('halted', resolve));

  it('stores what was committed, with the message id as event id and the same revision', async () => {
    const id = randomUUID();

    const receipt = await shop.unitOfWork.run(async ({ track }) => {
      const notebook = track(new Notebook(id));
      notebook.write('one');
      notebook.write('two');
    });
    await dispatcher.delivered(receipt, 'eventstoredb');

    const events = emulator.read(`notebook-${id}`);
    const stream = `notebook-${id}`;
    expect(events.map((event) => ({ id: event.id, revision: event.revision, stream, type: event.type }))).to.deep.equal(receipt.messages);
    expect(stored(id)).to.deep.equal(['one', 'two']);
  });

  it('loads from both sides, whatever was delivered meanwhile', async () => {
    const id = randomUUID();
    const texts = Array.from({ length: 30 }, (_, nth) => `note ${nth}`);

    for (const text of texts) {
      await shop.unitOfWork.run(async ({ find, track }) => ((await find(Notebook, id)) ?? track(new Notebook(id))).write(text));
    }

    const { result } = await shop.unitOfWork.run(async ({ load }) => (await load(Notebook, id)).texts);
    expect(result).to.deep.equal(texts);
  });

  it('takes over a stream that EventStoreDB had before, and goes on behind it', async () => {
    const id = randomUUID();
    await appendFromElsewhere(id, 'old one', 'old two');

    const receipt = await shop.unitOfWork.run(async ({ load }) => (await load(Notebook, id)).write('new'));
    await dispatcher.delivered(receipt, 'eventstoredb');

    expect(receipt.messages).to.have.length(1).and.to.have.nested.property('[0].revision', 2n);
    expect(stored(id)).to.deep.equal(['old one', 'old two', 'new']);
  });

  it('halts at a foreign event in its place, names both, and tells whoever loads', async () => {
    const id = randomUUID();
    await appendFromElsewhere(id, 'old');
    const halt = nextHalt();
    let receipt = await shop.unitOfWork.run(async ({ load }) => {
      const notebook = await load(Notebook, id);
      await appendFromElsewhere(id, 'foreign'); // between our look and our commit
      notebook.write('ours');
    });

    const { error, message, attempts } = await halt;
    const loading: unknown = await shop.unitOfWork.run(async ({ load }) => load(Notebook, id)).catch((thrown: unknown) => thrown);

    const [, foreign] = emulator.read(`notebook-${id}`);
    expect(message).to.include({ stream: `notebook-${id}`, revision: 1n, id: receipt.messages[0]!.id });
    expect(error.message).to.contain(message.id).and.to.contain(foreign!.id);
    expect(attempts).to.equal(1);
    expect(loading).to.include({ code: 'STREAM_DIVERGED', revision: 1n, outboxMessageId: message.id, historyMessageId: foreign!.id });
    expect(stored(id)).to.deep.equal(['old', 'foreign']);

    // A person decides that the foreign event stays; the lane, and what waits in it, goes on.
    await dispatcher.skip('eventstoredb', message.id, 'the foreign event is the right one');
    expect(await dispatcher.delivered(receipt, 'eventstoredb', { timeoutMs: 10_000 })).to.equal('skipped');
    receipt = await shop.unitOfWork.run(async ({ track }) => track(new Notebook(randomUUID())).write('flows on'));
    expect(await dispatcher.delivered(receipt, 'eventstoredb', { timeoutMs: 10_000 })).to.equal('delivered');
  });

  it('waits out an outage without an attempt lost, and doubles nothing when answers were lost', async () => {
    const id = randomUUID();
    let waited = 0;
    const off = dispatcher.on('waiting', ({ attempts }) => {
      waited++;
      expect(attempts).to.equal(0);
    });

    await emulator.kill({ surviving: (inFlight) => inFlight });
    const receipts = await Promise.all(
      Array.from({ length: 5 }, (_, nth) =>
        shop.unitOfWork.run(async ({ append }) => append(`${id}-${nth}`, NoteWritten({ text: String(nth) }))),
      ),
    );
    await new Promise<void>((resolve) => dispatcher.on('waiting', () => resolve()));
    await emulator.restart();
    for (const receipt of receipts)
      expect(await dispatcher.delivered(receipt, 'eventstoredb', { timeoutMs: 15_000 })).to.equal('delivered');

    off();
    expect(waited).to.be.greaterThan(0);
    for (const nth of receipts.keys()) expect(emulator.read(`key-${id}-${nth}`)).to.have.length(1);
  });
});
