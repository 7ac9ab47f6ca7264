import { jsonEvent } from '@eventstore/db-client';
import type { SubscriptionOptions, SubscriptionTarget } from '@waybill/eventstoredb';
import { messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { deliverAll } from './deliver-all.js';
import { emulated } from './emulated.js';
import type { Emulated } from './emulated.js';
import { Followed } from './followed.js';

describe('EventStoreDB: following', () => {
  let server: Emulated;
  let open: Followed[] = [];
  beforeEach(async () => (server = await emulated()));
  afterEach(async () => {
    for (const followed of open) followed.stop();
    open = [];
    await server.close();
  });

  function follow(target: SubscriptionTarget, options: { after?: bigint; types?: readonly string[] } & SubscriptionOptions = {}): Followed {
    const { after, types, ...subscription } = options;
    const followed = new Followed(server.eventstore.subscribe(target, subscription), { after, types });
    open.push(followed);
    return followed;
  }
  const store = (stream: string, count: number, from = 0n): Promise<void> => deliverAll(server, messagesOf(stream, count, from));
  const last = (target: SubscriptionTarget, reached?: bigint): Promise<bigint | undefined> =>
    server.eventstore.subscribe(target).last({ signal: new AbortController().signal, reached });

  it('follows a stream by its revisions, from behind any of them', async () => {
    await store('order-1', 5);
    await store('order-2', 1);

    const followed = await follow({ stream: 'order-1' }, { after: 1n }).untilCaughtUp();
    await store('order-1', 1, 5n);
    await followed.until((entry) => 'position' in entry && entry.position === 5n);

    expect(followed.messages).to.deep.equal(['order-1@2', 'order-1@3', 'order-1@4', 'order-1@5']);
    expect(await last({ stream: 'order-1' })).to.equal(5n);
    expect(await last({ stream: 'order-3' })).to.equal(undefined);
  });

  it('tells the end of a stream of which nothing can be read any more from what was read of it', async () => {
    for (const stream of ['order-1', 'order-2', 'order-3']) await store(stream, 3);
    await server.stranger().deleteStream('order-1');
    await server.stranger().setStreamMetadata('order-2', { truncateBefore: 3 });
    await server.stranger().setStreamMetadata('order-4', { maxCount: 3 });

    expect(await last({ stream: 'order-1' }, 2n)).to.equal(2n);
    expect(await last({ stream: 'order-1' })).to.equal(undefined);
    expect(await last({ stream: 'order-2' }, 2n)).to.equal(2n);
    expect(await last({ stream: 'order-3' }, 7n)).to.equal(2n);
    expect(await last({ stream: 'order-4' }, 2n)).to.equal(undefined);
    expect(await last({ stream: 'order-5' }, 2n)).to.equal(undefined);
  });

  it('waits for a stream that nobody has written to', async () => {
    const followed = await follow({ stream: 'order-1' }).untilCaughtUp();

    await store('order-1', 1);

    expect((await followed.until(({ kind }) => kind === 'message')).messages).to.deep.equal(['order-1@0']);
  });

  it('takes for a category what begins with its name and a hyphen, and nothing else', async () => {
    const strangers = ['order', 'orders-1', 'Order-1', 'order_1', 'reorder-1', 'an-order-1'];
    for (const stream of [...strangers, 'order-1', 'order-line-1']) await store(stream, 1);

    const followed = await follow({ category: 'order' }).untilCaughtUp();

    expect(followed.messages).to.deep.equal(['order-1@0', 'order-line-1@0']);
    const log = server.eventstore.subscribe({ category: 'order' });
    expect(strangers.filter((stream) => log.selectsStream(stream))).to.deep.equal([]);
  });

  it('takes a category with characters of a pattern by the letter', async () => {
    for (const stream of ['a.b|c-1', 'axb-1', 'c-1', '-1']) await store(stream, 1);

    expect((await follow({ category: 'a.b|c' }).untilCaughtUp()).messages).to.deep.equal(['a.b|c-1@0']);
  });

  it('leaves out events of the system, and passes them by', async () => {
    await store('order-1', 2);
    await server.stranger().setStreamMetadata('order-1', { maxCount: 10 });
    await server.stranger().tombstoneStream('order-1');
    await store('order-2', 1);

    const [category, all, metadata] = [follow({ category: 'order' }), follow({ all: {} }), follow({ stream: '$$order-2' })];
    for (const followed of [category, all, metadata]) await followed.untilCaughtUp();

    expect(category.messages).to.deep.equal(['order-1@0', 'order-1@1', 'order-2@0']);
    expect(all.messages).to.deep.equal(category.messages);
    expect(metadata.messages).to.deep.equal([]);
  });

  it('takes events of exactly the types it is told', async () => {
    const types = ['OrderPlaced', 'OrderPlacedAgain', 'Order', 'OrderShipped'];
    await server.stranger().appendToStream(
      'order-1',
      types.map((type) => jsonEvent({ type, data: {} })),
    );

    const followed = await follow({ all: { types: ['OrderPlaced', 'OrderShipped'] } }).untilCaughtUp();
    const fewer = await follow({ all: { types: ['OrderPlaced', 'OrderShipped'] } }, { types: ['OrderShipped', 'Order'] }).untilCaughtUp();

    expect(followed.messages).to.deep.equal(['order-1@0', 'order-1@3']);
    expect(fewer.messages).to.deep.equal(['order-1@3']);
  });

  it('tells how far it has looked where nothing is wanted, and loses nothing from there on', async () => {
    await store('order-1', 1);
    for (let nth = 0; nth < 5; nth++) await store(`invoice-${nth}`, 100);

    const followed = await follow({ category: 'order' }).untilCaughtUp();
    await store('order-1', 1, 1n);
    const again = await follow({ category: 'order' }, { after: followed.position! }).untilCaughtUp();

    expect(followed.entries.filter(({ kind }) => kind === 'passed')).to.have.length.above(2);
    expect(again.messages).to.deep.equal(['order-1@1']);
  });

  it('loses and doubles nothing, wherever it goes on', async () => {
    for (let nth = 0; nth < 6; nth++) {
      await store(nth % 2 ? 'order-1' : 'order-2', 40, BigInt(40 * (nth >> 1)));
      await store(`invoice-${nth}`, 60);
    }
    const whole = await follow({ category: 'order' }).untilCaughtUp();
    const places = whole.entries.flatMap((entry, nth) => ('position' in entry && nth % 17 === 0 ? [{ nth, after: entry.position }] : []));

    for (const { nth, after } of places) {
      const rest = await follow({ category: 'order' }, { after }).untilCaughtUp();
      const before = whole.entries.slice(0, nth + 1).filter(({ kind }) => kind === 'message').length;
      expect(rest.messages, `behind entry ${nth}`).to.deep.equal(whole.messages.slice(before));
    }
    expect(whole.messages).to.have.length(240);
    expect(places).to.have.length.above(10);
  });

  it('follows links where it is told to, by the positions of the links', async () => {
    const stranger = server.stranger();
    await store('order-1', 2);
    for (const target of ['1@order-1', '7@gone', '0@order-1'])
      await stranger.appendToStream('favourites', {
        ...jsonEvent({ type: '$>', data: {} }),
        contentType: 'application/octet-stream',
        data: Buffer.from(target),
      } as never);

    const resolved = await follow({ stream: 'favourites' }, { resolveLinks: true }).untilCaughtUp();
    const plain = await follow({ stream: 'favourites' }).untilCaughtUp();

    expect(resolved.messages).to.deep.equal(['order-1@1', 'order-1@0']);
    expect(resolved.position).to.equal(2n);
    expect(plain.messages).to.deep.equal([]);
  });

  it('says what its positions are places in, and where messages are from', async () => {
    await store('order-1', 1);
    const { eventstore } = server;

    const followed = await follow({ stream: 'order-1' }, { source: 'shop' }).untilCaughtUp();

    const [entry] = followed.entries;
    expect(entry?.kind === 'message' && entry.message.source).to.equal('shop');
    expect(eventstore.subscribe({ stream: 'order-1' })).to.include({ positions: 'stream order-1', unit: 'events' });
    expect(eventstore.subscribe({ category: 'order' })).to.include({ positions: '$all', unit: 'bytes' });
    expect(eventstore.subscribe({ category: 'order' }).name).to.equal('category order of EventStoreDB');
  });

  it('refuses what can never be followed', () => {
    const refused: readonly [unknown, SubscriptionOptions?][] = [
      [{}],
      [{ stream: '' }],
      [{ stream: '$all' }],
      [{ stream: 'o'.repeat(500) }],
      [{ category: '' }],
      [{ category: '$system' }],
      [{ all: { types: [] } }],
      [{ all: { types: ['$metadata'] } }],
      [{ stream: 'order-1' }, { silenceMs: 0 }],
      [{ stream: 'order-1' }, { source: '' }],
    ];

    for (const [target, options] of refused)
      expect(() => server.eventstore.subscribe(target as SubscriptionTarget, options), JSON.stringify([target, options]))
        .to.throw()
        .with.property('code', 'INVALID_OPTIONS');
  });
});
