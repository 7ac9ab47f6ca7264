import { expect } from 'chai';
import { AggregateRoot, OutboxHistory, SKIPPED_TYPE, UnitOfWork } from '@waybill/core';
import type { EventHistory, OutboxStore, ReadHistoryOptions, RecordedMessage, Receipt, Snapshotted } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { Order, OrderNoted, orderEvents, OrderPlaced } from '../shop/order.js';
import { failureOf } from '../shop/failure-of.js';

/** A history that was written by hand: one answer for a follower, another for the leader. */
class WrittenHistory implements EventHistory {
  readonly asked: ReadHistoryOptions[] = [];

  constructor(
    private readonly follower: readonly RecordedMessage[],
    private readonly leader = follower,
  ) {}

  async *read(_stream: string, options: ReadHistoryOptions): AsyncIterable<RecordedMessage> {
    this.asked.push(options);
    yield* (options.leader ? this.leader : this.follower).filter(({ revision }) => revision >= options.from);
  }
}

const recorded = (revision: bigint, event: { readonly type: string; readonly data: unknown }, id = `id-${revision}`): RecordedMessage => ({
  ...{ id, kind: 'event', type: event.type, stream: 'order-7', revision, occurredAt: new Date(0), schemaVersion: 1 },
  ...{ metadata: { correlationId: 'c' }, codec: 'json', json: event.data },
});
const note = (revision: bigint): RecordedMessage => recorded(revision, OrderNoted({ text: `note ${revision}` }));
const placed = recorded(0n, OrderPlaced({ customerId: 'c-1', totalCents: 1 }));

/** An outbox from which rows were removed after they had been delivered. */
const withoutRows = (database: InMemoryDatabase, removed: (revision: bigint) => boolean): InMemoryDatabase => {
  const outbox: OutboxStore<InMemoryTx> = {
    append: (appends, tx) => database.outbox.append(appends, tx),
    async headAndTail(stream, from, tx) {
      const { head, tail } = await database.outbox.headAndTail(stream, from, tx);
      return { head, tail: tail.filter(({ revision }) => !removed(revision)) };
    },
  };
  return Object.assign(Object.create(database) as InMemoryDatabase, { outbox });
};

describe('loading an aggregate', () => {
  let database: InMemoryDatabase;

  beforeEach(() => {
    database = new InMemoryDatabase();
  });

  const unitOfWork = (
    options: { readonly history?: EventHistory; readonly removed?: (revision: bigint) => boolean } = {},
  ): UnitOfWork<InMemoryTx> => {
    const { history, removed = () => false } = options;
    return new UnitOfWork({ database: withoutRows(database, removed), catalogue: orderEvents, ...(history && { history }) });
  };
  const load = async (options: Parameters<typeof unitOfWork>[0] = {}): Promise<Order> =>
    (await unitOfWork(options).run(async (scope) => scope.load(Order, '7'))).result;
  /** Commits a placed order with three notes: revisions 0 to 3. */
  const commitFour = async (): Promise<Receipt> =>
    unitOfWork().run(async ({ track }) => {
      track(Order.placed('7')).note('note 1', 'note 2', 'note 3');
    });
  /** What a sink that got everything gives back. */
  const delivered = async ({ messages }: Receipt, until = 4): Promise<RecordedMessage[]> =>
    [placed, note(1n), note(2n), note(3n)].slice(0, until).map((message, index) => ({ ...message, id: messages[index]!.id }));

  it('reads the outbox alone while all rows are there', async () => {
    await commitFour();
    const history = new WrittenHistory([]);

    const order = await load({ history });

    expect(order.notes).to.deep.equal(['note 1', 'note 2', 'note 3']);
    expect(order.revision).to.equal(3n);
    expect(history.asked).to.deep.equal([]);
  });

  it('joins history and outbox where rows were removed', async () => {
    const history = new WrittenHistory(await delivered(await commitFour(), 2));

    const order = await load({ history, removed: (revision) => revision < 2n });

    expect(order.notes).to.deep.equal(['note 1', 'note 2', 'note 3']);
    expect(order.revision).to.equal(3n);
  });

  it('applies once what both have', async () => {
    const history = new WrittenHistory(await delivered(await commitFour()));

    const order = await load({ history, removed: (revision) => revision < 2n });

    expect(order.notes).to.deep.equal(['note 1', 'note 2', 'note 3']);
  });

  it('reads the history alone where every row was removed', async () => {
    const history = new WrittenHistory(await delivered(await commitFour()));

    const order = await load({ history, removed: () => true });

    expect(order.revision).to.equal(3n);
    expect(order.notes).to.have.length(3);
  });

  it("goes to a sink's own history", async () => {
    const sink = new InMemorySink();
    const { messages } = await commitFour();
    const rows = await database.transactions.run((tx) => database.outbox.headAndTail('order-7', 0n, tx));
    await sink.deliver(
      rows.tail.map((row) => ({ ...row, position: 0n, recordedAt: new Date(), known: true, data: JSON.parse(row.payload) as unknown })),
    );

    const order = await load({ history: sink.history, removed: () => true });

    expect(order.revision).to.equal(messages.at(-1)!.revision);
    expect(order.notes).to.have.length(3);
  });

  it('asks the leader for what a lagging follower does not have yet', async () => {
    const all = await delivered(await commitFour(), 2);
    const history = new WrittenHistory(all.slice(0, 1), all);

    const order = await load({ history, removed: (revision) => revision < 2n });

    expect(order.notes).to.deep.equal(['note 1', 'note 2', 'note 3']);
    expect(history.asked).to.deep.equal([
      { from: 0n, leader: false },
      { from: 1n, leader: true },
    ]);
  });

  it('asks the leader also when the follower lacks the last event alone', async () => {
    const all = await delivered(await commitFour());

    const order = await load({ history: new WrittenHistory(all.slice(0, 3), all), removed: () => true });

    expect(order.revision).to.equal(3n);
  });

  it('refuses a hole that the leader cannot fill either', async () => {
    const history = new WrittenHistory(await delivered(await commitFour(), 1));

    const error = await failureOf('STREAM_GAP', () => load({ history, removed: (revision) => revision < 2n }));

    expect(error).to.include({ stream: 'order-7', missingRevision: 1n, headRevision: 3n });
    expect(error.message).to.include('neither the outbox nor the event history has it').and.include('$maxCount');
  });

  it('refuses a history that ends before the head', async () => {
    const history = new WrittenHistory(await delivered(await commitFour(), 2));

    const error = await failureOf('STREAM_GAP', () => load({ history, removed: () => true }));

    expect(error).to.include({ missingRevision: 2n, headRevision: 3n });
  });

  it('refuses a truncated history without a snapshot', async () => {
    const all = await delivered(await commitFour());

    const error = await failureOf('STREAM_GAP', () => load({ history: new WrittenHistory(all.slice(1)), removed: () => true }));

    expect(error).to.include({ missingRevision: 0n });
  });

  it('refuses removed rows where there is no history at all', async () => {
    await commitFour();

    const error = await failureOf('STREAM_GAP', () => load({ removed: (revision) => revision === 0n }));

    expect(error).to.include({ missingRevision: 0n });
  });

  it('takes the outbox for the only history where it was promised to keep its rows', async () => {
    await commitFour();

    expect((await load({ history: new OutboxHistory({ retention: 'keep' }) })).revision).to.equal(3n);
  });

  it('refuses a stream in which somebody else has written', async () => {
    const { messages } = await commitFour();
    const history = new WrittenHistory([placed, note(1n), recorded(2n, OrderNoted({ text: 'foreign' }), 'foreign-id')]);

    const error = await failureOf('STREAM_DIVERGED', () => load({ history, removed: (revision) => revision < 2n }));

    expect(error).to.include({ stream: 'order-7', revision: 2n, outboxMessageId: messages[2]!.id, historyMessageId: 'foreign-id' });
    expect(error.message).to.include('foreign writer');
  });

  it('leaves out what the history has beyond the head that it saw', async () => {
    const all = await delivered(await commitFour());

    const order = await load({ history: new WrittenHistory([...all, note(4n)]), removed: () => true });

    expect(order.revision).to.equal(3n);
  });

  it('counts a skipped message and does not apply it', async () => {
    const all = await delivered(await commitFour());
    all[1] = { ...all[1]!, type: SKIPPED_TYPE, json: { skipped: 'OrderNoted', reason: 'poison' } };

    const order = await load({ history: new WrittenHistory(all), removed: () => true });

    expect(order.revision).to.equal(3n);
    expect(order.notes).to.deep.equal(['note 2', 'note 3']);
  });

  it('gives the same object for the same id, loaded one after the other or side by side', async () => {
    await commitFour();

    await unitOfWork().run(async ({ load, find }) => {
      const [one, other] = await Promise.all([load(Order, '7'), find(Order, '7')]);
      expect(one).to.equal(other);
      expect(await load(Order, '7')).to.equal(one);
    });
  });

  it('finds nothing, and refuses to load, what does not exist', async () => {
    const work = unitOfWork({ history: new WrittenHistory([]) });

    expect((await work.run(async ({ find }) => find(Order, '8'))).result).to.equal(undefined);
    const error = await failureOf('AGGREGATE_NOT_FOUND', () => work.run(async ({ load }) => load(Order, '8')));
    expect(error.stream).to.equal('order-8');
    expect(error.message).to.include('use find()');
  });

  it('finds what was tracked before in the same unit of work', async () => {
    await unitOfWork().run(async ({ track, load }) => {
      const order = track(Order.placed('7'));
      expect(await load(Order, '7')).to.equal(order);
    });
  });

  describe('of a stream that only the event history has', () => {
    it('takes it over at the revision after the last', async () => {
      const work = unitOfWork({ history: new WrittenHistory([placed, note(1n)]) });

      const { messages } = await work.run(async ({ load }) => (await load(Order, '7')).note('ours'));

      expect(messages.map(({ stream, revision }) => ({ stream, revision }))).to.deep.equal([{ stream: 'order-7', revision: 2n }]);
    });

    it('refuses the second of two that take it over', async () => {
      const work = unitOfWork({ history: new WrittenHistory([placed, note(1n)]) });
      const takeOver = (): Promise<unknown> => work.run(async ({ load }) => (await load(Order, '7')).note('ours'));

      const outcomes = await Promise.allSettled([takeOver(), takeOver()]);

      expect(outcomes.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected']);
      const rejected = outcomes.find((outcome) => outcome.status === 'rejected');
      const error = await failureOf('CONCURRENCY', () => Promise.reject(rejected?.reason as Error));
      expect(error).to.include({ stream: 'order-7', expectedRevision: 1n, actualRevision: 2n });
    });

    it('asks the leader alone, for a lagging follower would give it a head that is too low', async () => {
      const all = [placed, note(1n), note(2n)];
      const work = unitOfWork({ history: new WrittenHistory(all.slice(0, 1), all) });

      const { messages } = await work.run(async ({ load }) => (await load(Order, '7')).note('ours'));

      expect(messages[0]).to.include({ revision: 3n });
    });

    it('refuses to create it anew once it was taken over', async () => {
      const history = new WrittenHistory([placed]);
      await unitOfWork({ history }).run(async ({ load }) => (await load(Order, '7')).note('ours'));

      const error = await failureOf('CONCURRENCY', () => unitOfWork({ history }).run(async ({ track }) => void track(Order.placed('7'))));

      expect(error).to.include({ expectedRevision: undefined, actualRevision: 1n });
    });
  });

  describe('with snapshots', () => {
    class CountedOrder extends AggregateRoot<OrderPlaced | OrderNoted> implements Snapshotted {
      readonly stream: string;
      readonly snapshotEvery = 2;
      readonly snapshotVersion: number;
      count = 0;
      applied = 0;

      constructor(id: string, snapshotVersion = 1) {
        super();
        this.stream = `order-${id}`;
        this.snapshotVersion = snapshotVersion;
      }

      note(text: string): void {
        this.emit(OrderNoted({ text }));
      }

      toSnapshot(): unknown {
        return { count: this.count };
      }

      fromSnapshot({ count }: { readonly count: number }): void {
        this.count = count;
      }

      protected override apply(): void {
        this.count++;
        this.applied++;
      }
    }
    const commitNotes = async (count: number): Promise<void> => {
      for (let index = 0; index < count; index++) {
        await unitOfWork().run(async ({ find, track }) =>
          ((await find(CountedOrder, '7')) ?? track(new CountedOrder('7'))).note(`note ${index}`),
        );
      }
    };
    const counted = async (options: Parameters<typeof unitOfWork>[0] = {}, version = 1): Promise<CountedOrder> =>
      (await unitOfWork(options).run(async ({ load }) => load(CountedOrder, '7', version))).result;

    it('replays only what came after the last one', async () => {
      await commitNotes(5);

      const order = await counted();

      expect(order).to.include({ count: 5, applied: 1, revision: 4n });
    });

    it('needs nothing that lies before it: a hole there is legal', async () => {
      await commitNotes(5);
      const history = new WrittenHistory([]);

      const order = await counted({ history, removed: (revision) => revision < 4n });

      expect(order).to.include({ count: 5, revision: 4n });
      expect(history.asked).to.deep.equal([]);
    });

    it('needs nothing at all when it is the last word', async () => {
      await commitNotes(4);

      expect(await counted({ removed: () => true })).to.include({ count: 4, applied: 0, revision: 3n });
    });

    it('asks the history only for what came after it', async () => {
      await commitNotes(5);
      const history = new WrittenHistory([note(3n), note(4n)]);

      expect(await counted({ history, removed: () => true })).to.include({ count: 5, applied: 1, revision: 4n });
      expect(history.asked[0]).to.deep.include({ from: 4n });
    });

    it('refuses a hole behind it', async () => {
      await commitNotes(5);

      const error = await failureOf('STREAM_GAP', () => counted({ removed: () => true }));

      expect(error).to.include({ missingRevision: 4n, headRevision: 4n });
    });

    it('replays everything when the shape of the state has another version', async () => {
      await commitNotes(5);

      expect(await counted({}, 2)).to.include({ count: 5, applied: 5 });
    });

    it('stores none with a commit that fails', async () => {
      await commitNotes(1);
      const failing = new UnitOfWork({
        database,
        catalogue: orderEvents,
        reached: (moment) => {
          if (moment === 'appended') throw new Error('crash');
        },
      });

      await failing.run(async ({ load }) => (await load(CountedOrder, '7')).note('lost')).catch(() => {});

      expect(await counted()).to.include({ count: 1, applied: 1, revision: 0n });
    });
  });
});
