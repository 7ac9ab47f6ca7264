import { expect } from 'chai';
import { projector, UnitOfWork } from '@waybill/core';
import type { Logger, Message, Moment, OutboxRow, Scope, UnitOfWorkOptions } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { gate } from '@waybill/testing';
import { ManualClock } from '../shop/manual-clock.js';
import { ChargeCard, Order, OrderCancelled, orderEvents, OrderNoted, OrderPlaced } from '../shop/order.js';

const catalogue = [...orderEvents, ChargeCard];

describe('a unit of work', () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;

  beforeEach(() => {
    database = new InMemoryDatabase();
    unitOfWork = aUnitOfWork();
  });

  const aUnitOfWork = (options: Partial<UnitOfWorkOptions<InMemoryTx>> = {}): UnitOfWork<InMemoryTx> =>
    new UnitOfWork({ database, catalogue, ...options });
  const rowsOf = async (
    stream: string,
  ): Promise<readonly Pick<OutboxRow, 'id' | 'type' | 'kind' | 'revision' | 'metadata' | 'occurredAt'>[]> =>
    (await database.transactions.run((tx) => database.outbox.headAndTail(stream, 0n, tx))).tail;
  const place =
    (id: string) =>
    async ({ track }: Scope<InMemoryTx>): Promise<void> =>
      void track(Order.placed(id));

  describe('that commits', () => {
    it('appends what its aggregates emitted, in order, and answers where', async () => {
      const receipt = await unitOfWork.run(async ({ track }) => {
        track(Order.placed('7')).note('one');
        track(Order.placed('8'));
        return 'done';
      });

      expect(receipt.result).to.equal('done');
      expect(receipt.repeated).to.equal(false);
      expect(receipt.messages.map(({ stream, revision }) => `${stream}@${revision}`)).to.deep.equal([
        'order-7@0',
        'order-7@1',
        'order-8@0',
      ]);
      expect((await rowsOf('order-7')).map(({ type }) => type)).to.deep.equal(['OrderPlaced', 'OrderNoted']);
      expect((await rowsOf('order-7')).map(({ id }) => id)).to.deep.equal(receipt.messages.slice(0, 2).map(({ id }) => id));
    });

    it('tells its aggregates', async () => {
      const order = Order.placed('7');

      await unitOfWork.run(async ({ track }) => track(order));

      expect(order.pending).to.deep.equal([]);
      expect(order.revision).to.equal(0n);
    });

    it('commits an aggregate again that it has committed before', async () => {
      const order = Order.placed('7');
      await unitOfWork.run(async ({ track }) => track(order));

      order.note('later');
      const { messages } = await unitOfWork.run(async ({ track }) => track(order));

      expect(messages.map(({ revision }) => revision)).to.deep.equal([1n]);
    });

    it('writes nothing where nothing happened', async () => {
      await unitOfWork.run(place('7'));

      const receipt = await unitOfWork.run(async ({ load }) => (await load(Order, '7')).status);

      expect(receipt.messages).to.deep.equal([]);
      expect(receipt.result).to.equal('placed');
    });

    it('stamps all messages with the time at which it began', async () => {
      const clock = new ManualClock();
      const began = clock.now();

      await aUnitOfWork({ clock }).run(async ({ track }) => {
        await clock.pass(50);
        track(Order.placed('7'));
      });

      expect((await rowsOf('order-7'))[0]!.occurredAt).to.deep.equal(began);
    });
  });

  describe('that fails', () => {
    it('throws what the work threw, writes nothing, and leaves the aggregates as they were', async () => {
      const order = Order.placed('7');
      const reason = new Error('no');

      const error = await unitOfWork
        .run(async ({ track }) => {
          track(order);
          throw reason;
        })
        .catch((thrown: unknown) => thrown);

      expect(error).to.equal(reason);
      expect(order.pending).to.have.length(1);
      expect(order.revision).to.equal(undefined);
      expect((await database.routes.outbox()).empty).to.equal(true);
    });

    it('leaves the aggregates as they were when the commit is refused', async () => {
      await unitOfWork.run(place('7'));
      const order = Order.placed('7');

      await failureOf('CONCURRENCY', () => unitOfWork.run(async ({ track }) => track(order)));

      expect(order.pending).to.have.length(1);
      expect(order.revision).to.equal(undefined);
    });

    it('can be repeated with the same aggregate', async () => {
      const order = Order.placed('7');
      let crash = true;
      const shaky = aUnitOfWork({
        reached: (moment) => {
          if (moment === 'appended' && crash) throw new Error('crash');
        },
      });
      await shaky.run(async ({ track }) => track(order)).catch(() => {});

      crash = false;
      await shaky.run(async ({ track }) => track(order));

      expect((await rowsOf('order-7')).map(({ type }) => type)).to.deep.equal(['OrderPlaced']);
    });
  });

  describe('that meets another one', () => {
    /** Loads the order, and waits until another commit has come in between. */
    const beaten = (times: number) => {
      let beatings = 0;
      return async ({ load }: Scope<InMemoryTx>): Promise<number> => {
        const order = await load(Order, '7');
        if (beatings++ < times) await unitOfWork.run(async (scope) => (await scope.load(Order, '7')).note('first'));
        order.note('second');
        return beatings;
      };
    };

    it('is refused with the stream and both revisions', async () => {
      await unitOfWork.run(place('7'));

      const error = await failureOf('CONCURRENCY', () => unitOfWork.run(beaten(1)));

      expect(error).to.include({ stream: 'order-7', expectedRevision: 0n, actualRevision: 1n });
      expect(error.message).to.include('load the aggregate again and repeat, or pass { retryOnConflict }');
    });

    it('loads and decides again where it was told to retry', async () => {
      await unitOfWork.run(place('7'));

      const { result, messages } = await aUnitOfWork({ random: () => 0 }).run(beaten(2), { retryOnConflict: 2 });

      expect(result).to.equal(3);
      expect(messages[0]).to.include({ stream: 'order-7', revision: 3n });
      expect((await rowsOf('order-7')).map(({ revision }) => revision)).to.deep.equal([0n, 1n, 2n, 3n]);
    });

    it('gives up after so many tries', async () => {
      await unitOfWork.run(place('7'));

      await failureOf('CONCURRENCY', () => aUnitOfWork({ random: () => 0 }).run(beaten(3), { retryOnConflict: 2 }));
    });

    it('waits for longer, with jitter, before each further try', async () => {
      await unitOfWork.run(place('7'));
      const clock = new ManualClock();
      const waits: number[] = [];
      const watched = {
        now: () => clock.now(),
        monotonic: () => clock.monotonic(),
        after: (ms: number, act: () => void) => (waits.push(ms), queueMicrotask(act), () => {}),
      };

      await aUnitOfWork({ clock: watched, random: () => 0.5, warnAfterMs: 12_345 }).run(beaten(3), { retryOnConflict: 3 });

      expect(waits.filter((ms) => ms !== 12_345)).to.deep.equal([5, 10, 20]);
    });

    it('retries nothing else', async () => {
      let tries = 0;

      await unitOfWork
        .run(
          async () => {
            tries++;
            throw new Error('no');
          },
          { retryOnConflict: 5 },
        )
        .catch(() => {});

      expect(tries).to.equal(1);
    });

    it('gives messages of a second try the ids of the first', async () => {
      const ids: string[][] = [];
      const watching = projector<InMemoryTx>('watch').on(OrderNoted, async ({ id }) => void ids.push([id]));
      await unitOfWork.run(place('7'));

      await aUnitOfWork({ projectors: [watching], random: () => 0 }).run(beaten(1), { retryOnConflict: 1 });

      expect(ids).to.have.length(2);
      expect(ids[0]).to.deep.equal(ids[1]);
    });

    it('gives messages of two runs different ids', async () => {
      const [one, other] = [await unitOfWork.run(place('7')), await unitOfWork.run(place('8'))];

      expect(one.messages[0]!.id).not.to.equal(other.messages[0]!.id);
    });

    it('gives way when two wait for each other, and can be repeated', async () => {
      const [mine, theirs] = [gate(), gate()];
      const cross = async (
        { tx }: Scope<InMemoryTx>,
        [first, second]: readonly [string, string],
        here: { open: () => void },
        there: { opened: Promise<void> },
      ): Promise<void> => {
        await database.transactions.lock(first, tx);
        here.open();
        await there.opened;
        await database.transactions.lock(second, tx);
      };

      const outcomes = await Promise.allSettled([
        unitOfWork.run((scope) => cross(scope, ['a', 'b'], mine, theirs)),
        unitOfWork.run((scope) => cross(scope, ['b', 'a'], theirs, mine)),
      ]);

      expect(outcomes.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected']);
      await failureOf('TRANSACTION_CONFLICT', () =>
        Promise.reject(outcomes.find((outcome) => outcome.status === 'rejected')?.reason as Error),
      );
    });
  });

  describe('with an idempotency key', () => {
    const options = { idempotencyKey: 'request-1' };

    it('runs once, and answers a repeat with the first receipt', async () => {
      let runs = 0;
      const work = async ({ track }: Scope<InMemoryTx>): Promise<{ run: number }> => {
        track(Order.placed(`${++runs}`));
        return { run: runs };
      };
      const first = await unitOfWork.run(work, options);

      const repeated = await unitOfWork.run(work, options);

      expect(runs).to.equal(1);
      expect(repeated).to.deep.equal({ ...first, repeated: true });
      expect(repeated.messages[0]!.revision).to.equal(0n);
    });

    it('runs once also when two come at once', async () => {
      let runs = 0;
      const work = async ({ track }: Scope<InMemoryTx>): Promise<number> => {
        const run = ++runs;
        track(Order.placed('7'));
        await Promise.resolve();
        return run;
      };

      const receipts = await Promise.all([unitOfWork.run(work, options), unitOfWork.run(work, options), unitOfWork.run(work, options)]);

      expect(runs).to.equal(1);
      expect(receipts.map(({ result }) => result)).to.deep.equal([1, 1, 1]);
      expect(receipts.map(({ repeated }) => repeated)).to.have.members([false, true, true]);
    });

    it('runs again after a run that failed', async () => {
      await unitOfWork.run(() => Promise.reject(new Error('no')), options).catch(() => {});

      const { result, repeated } = await unitOfWork.run(async () => 'second', options);

      expect({ result, repeated }).to.deep.equal({ result: 'second', repeated: false });
    });

    it('keeps a run without a result apart from no run', async () => {
      await unitOfWork.run(async () => {}, options);

      const { result, repeated } = await unitOfWork.run<unknown>(async () => 'again', options);

      expect({ result, repeated }).to.deep.equal({ result: undefined, repeated: true });
    });

    it('refuses a result that cannot be stored, and commits nothing', async () => {
      const error = await failureOf('INVALID_OPTIONS', () =>
        unitOfWork.run(async ({ track }) => {
          track(Order.placed('7'));
          return 1n;
        }, options),
      );

      expect(error.message).to.include('idempotencyKey "request-1"').and.include('JSON');
      expect((await database.routes.outbox()).empty).to.equal(true);
    });

    it('refuses an empty key, under which all requests would be one', async () => {
      await failureOf('INVALID_OPTIONS', () => unitOfWork.run(async () => {}, { idempotencyKey: '' }));
    });
  });

  describe("that sends messages which are no aggregate's events", () => {
    it('orders events and commands by key, in namespaces of their own', async () => {
      const { messages } = await unitOfWork.run(async ({ append }) => {
        append('c-1', [OrderNoted({ text: 'one' }), ChargeCard({ orderId: '7', totalCents: 1 }), OrderNoted({ text: 'two' })]);
        append('c-1', OrderNoted({ text: 'three' }));
      });

      expect(messages.map(({ stream, revision }) => `${stream}@${revision}`)).to.have.members([
        'key-c-1@0',
        'key-c-1@1',
        'key-c-1@2',
        'command-c-1@0',
      ]);
      expect((await rowsOf('key-c-1')).map(({ kind }) => kind)).to.deep.equal(['event', 'event', 'event']);
      expect((await rowsOf('command-c-1')).map(({ kind }) => kind)).to.deep.equal(['command']);
    });

    it('takes whatever revision comes next', async () => {
      await unitOfWork.run(async ({ append }) => append('c-1', OrderNoted({ text: 'one' })));

      const { messages } = await unitOfWork.run(async ({ append }) => append('c-1', OrderNoted({ text: 'two' })));

      expect(messages[0]!.revision).to.equal(1n);
    });

    it("moves no aggregate's head, whatever the key", async () => {
      await unitOfWork.run(async ({ track, append }) => {
        track(Order.placed('7'));
        append('order-7', OrderNoted({ text: 'beside' }));
      });

      const order = (await unitOfWork.run(async ({ load }) => load(Order, '7'))).result;

      expect(order.revision).to.equal(0n);
    });

    it('keeps to an expected revision', async () => {
      const append = (expectedRevision: bigint | 'no-stream') => () =>
        unitOfWork.run(async (scope) => scope.append('import-1', OrderNoted({ text: 'row' }), { expectedRevision }));
      await append('no-stream')();

      const error = await failureOf('CONCURRENCY', append('no-stream'));
      await append(0n)();

      expect(error).to.include({ stream: 'key-import-1', expectedRevision: undefined, actualRevision: 0n });
      expect(await rowsOf('key-import-1')).to.have.length(2);
    });

    it('refuses one expected revision for events and commands together', async () => {
      const error = await failureOf('INVALID_APPEND', () =>
        unitOfWork.run(async ({ append }) =>
          append('c-1', [OrderNoted({ text: '' }), ChargeCard({ orderId: '', totalCents: 1 })], { expectedRevision: 0n }),
        ),
      );

      expect(error.message).to.include('append them in two calls');
    });

    it('refuses an expected revision that contradicts an earlier append', async () => {
      await failureOf('INVALID_APPEND', () =>
        unitOfWork.run(async ({ append }) => {
          append('c-1', OrderNoted({ text: '' }));
          append('c-1', OrderNoted({ text: '' }), { expectedRevision: 0n });
        }),
      );
    });
  });

  describe('metadata', () => {
    it('correlate by the run where nothing else is said', async () => {
      await unitOfWork.run(async ({ track }) => track(Order.placed('7')).note('one'));

      const [one, other] = await rowsOf('order-7');
      expect(one!.metadata.correlationId).to.be.a('string').and.equal(other!.metadata.correlationId);
      expect(one!.metadata).not.to.have.property('causationId');
    });

    it('come from the run, the application and the append, the nearest winning', async () => {
      const work = aUnitOfWork({ metadata: () => ({ tenant: 'acme', traceparent: '00-ambient', source: 'app', nothing: undefined }) });

      await work.run(async ({ append }) => append('c-1', OrderNoted({ text: '' }), { metadata: { source: 'append' } }), {
        correlationId: 'conversation',
        causationId: 'cause',
        metadata: { traceparent: '00-run', source: 'run' },
      });

      expect((await rowsOf('key-c-1'))[0]!.metadata).to.deep.equal({
        ...{ correlationId: 'conversation', causationId: 'cause', traceparent: '00-run' },
        ...{ tenant: 'acme', source: 'append' },
      });
    });

    it('are asked of the application once a run, also when it is tried again', async () => {
      let asked = 0;
      await unitOfWork.run(place('7'));
      const work = aUnitOfWork({ metadata: () => ({ n: `${++asked}` }), random: () => 0 });
      let beaten = false;

      await work.run(
        async ({ load }) => {
          const order = await load(Order, '7');
          if (!beaten) await unitOfWork.run(async (scope) => (await scope.load(Order, '7')).note('first'));
          beaten = true;
          order.note('second');
        },
        { retryOnConflict: 1 },
      );

      expect(asked).to.equal(1);
    });
  });

  describe('projectors', () => {
    it('see the events of aggregates with their places, in the transaction, before it commits', async () => {
      const seen: string[] = [];
      const list = projector<InMemoryTx>('list')
        .on(OrderPlaced, async ({ stream, revision, data }, { tx, rebuilding }) => {
          seen.push(`${stream}@${revision} ${data.totalCents} ${rebuilding}`);
          tx.onCommit(() => seen.push('committed'));
        })
        .on([OrderNoted, OrderCancelled], async ({ type, revision }) => void seen.push(`${type}@${revision}`));

      await aUnitOfWork({ projectors: [list] }).run(async ({ track }) => {
        const order = track(Order.placed('7'));
        order.note('one');
        order.cancel('no');
      });

      expect(seen).to.deep.equal(['order-7@0 4200 false', 'OrderNoted@1', 'OrderCancelled@2', 'committed']);
    });

    it('are asked only for events that they name', async () => {
      const seen: Message[] = [];

      await aUnitOfWork({
        projectors: [{ name: 'own', events: [OrderCancelled], project: async (message) => void seen.push(message) }],
      }).run(async ({ track }) => {
        track(Order.placed('7')).cancel('no');
      });

      expect(seen.map(({ type }) => type)).to.deep.equal(['OrderCancelled']);
    });

    it('roll everything back with what they throw', async () => {
      const failing = projector<InMemoryTx>('failing').on(OrderPlaced, async () => Promise.reject(new Error('no such table')));

      const error = await aUnitOfWork({ projectors: [failing] })
        .run(place('7'))
        .catch((thrown: unknown) => thrown);

      expect(error).to.have.property('message', 'no such table');
      expect((await database.routes.outbox()).empty).to.equal(true);
    });

    it('run before the outbox is written, which is the last write', async () => {
      const order: string[] = [];
      const watching = projector<InMemoryTx>('watching').on(OrderPlaced, async () => void order.push('projector'));

      await aUnitOfWork({ projectors: [watching], reached: (moment: Moment) => void order.push(moment) }).run(place('7'));

      expect(order).to.deep.equal(['projector', 'projected', 'appended', 'committed']);
    });

    it("do not see messages that are no aggregate's events", async () => {
      const seen: Message[] = [];
      const watching = projector<InMemoryTx>('watching').on(OrderNoted, async (message) => void seen.push(message));

      await aUnitOfWork({ projectors: [watching] }).run(async ({ append }) => append('c-1', OrderNoted({ text: '' })));

      expect(seen).to.deep.equal([]);
    });
  });

  describe('in a transaction that somebody else opened', () => {
    it('commits with it', async () => {
      const order = Order.placed('7');

      const receipt = await database.transactions.run(async (tx) => unitOfWork.join(tx, async ({ track }) => (track(order), 'done')));

      expect(receipt.result).to.equal('done');
      expect(receipt.messages).to.have.length(1);
      expect(await rowsOf('order-7')).to.have.length(1);
    });

    it('leaves the aggregates as they are until it is told of the commit', async () => {
      const order = Order.placed('7');
      const receipt = await database.transactions.run(async (tx) => unitOfWork.join(tx, async ({ track }) => track(order)));
      expect(order.pending).to.have.length(1);

      receipt.committed();

      expect(order.pending).to.deep.equal([]);
      expect(order.revision).to.equal(0n);
    });

    it('rolls back with it', async () => {
      await database.transactions
        .run(async (tx) => {
          await unitOfWork.join(tx, place('7'));
          throw new Error('no');
        })
        .catch(() => {});

      expect((await database.routes.outbox()).empty).to.equal(true);
    });

    it('nudges the dispatcher only when it is told of the commit', async () => {
      const hints: string[] = [];
      const stop = new AbortController();
      const listening = database.wakeUps.listen(({ kind }) => hints.push(kind), stop.signal);
      const receipt = await database.transactions.run(async (tx) => unitOfWork.join(tx, place('7')));
      expect(hints).to.deep.equal([]);

      receipt.committed();

      expect(hints).to.deep.equal(['committed']);
      stop.abort();
      await listening;
    });

    it('sees what an earlier join in it has appended', async () => {
      await database.transactions.run(async (tx) => {
        await unitOfWork.join(tx, place('7'));
        await unitOfWork.join(tx, async ({ load }) => (await load(Order, '7')).note('later'));
      });

      expect((await rowsOf('order-7')).map(({ revision }) => revision)).to.deep.equal([0n, 1n]);
    });

    it('cannot be committed after it was refused', async () => {
      await unitOfWork.run(place('7'));

      await failureOf('CONCURRENCY', () =>
        database.transactions.run(async (tx) => {
          await unitOfWork.join(tx, place('7')).catch(() => {});
        }),
      );
    });
  });

  describe('that is over', () => {
    it('refuses whatever is still done with its scope', async () => {
      let kept!: Scope<InMemoryTx>;
      await unitOfWork.run(async (scope) => void (kept = scope));

      expect((await failureOf('SCOPE_CLOSED', () => kept.track(Order.placed('7')))).message)
        .to.include('track()')
        .and.include('Await everything');
      await failureOf('SCOPE_CLOSED', () => kept.append('c-1', OrderNoted({ text: '' })));
      await failureOf('SCOPE_CLOSED', () => kept.load(Order, '7'));
      await failureOf('SCOPE_CLOSED', () => kept.find(Order, '7'));
    });

    it('refuses it also after the work has failed', async () => {
      let kept!: Scope<InMemoryTx>;
      await unitOfWork
        .run(async (scope) => {
          kept = scope;
          throw new Error('no');
        })
        .catch(() => {});

      await failureOf('SCOPE_CLOSED', () => kept.track(Order.placed('7')));
    });
  });

  describe('that is open for long', () => {
    const warnings: string[] = [];
    const logger: Logger = { debug: () => {}, info: () => {}, error: () => {}, warn: (_fields, text = '') => void warnings.push(text) };

    beforeEach(() => void (warnings.length = 0));

    it('is reported, and goes on', async () => {
      const clock = new ManualClock();

      await aUnitOfWork({ clock, logger, warnAfterMs: 100 }).run(async (scope) => {
        await clock.pass(101);
        await place('7')(scope);
      });

      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.include('still open').and.include('Is the outside world called in it?');
      expect(await rowsOf('order-7')).to.have.length(1);
    });

    it('is not reported when it ends in time', async () => {
      const clock = new ManualClock();

      await aUnitOfWork({ clock, logger, warnAfterMs: 100 }).run(async () => clock.pass(99));
      await clock.pass(1_000);

      expect(warnings).to.deep.equal([]);
    });
  });

  describe('that is aborted', () => {
    it('does not begin', async () => {
      let ran = false;

      const error = await unitOfWork.run(async () => void (ran = true), { signal: AbortSignal.abort() }).catch((thrown: unknown) => thrown);

      expect(error).to.have.property('name', 'AbortError');
      expect(ran).to.equal(false);
    });

    it('rolls back what it has done', async () => {
      const abort = new AbortController();

      const error = await unitOfWork
        .run(
          async (scope) => {
            await place('7')(scope);
            abort.abort();
          },
          { signal: abort.signal },
        )
        .catch((thrown: unknown) => thrown);

      expect(error).to.have.property('name', 'AbortError');
      expect((await database.routes.outbox()).empty).to.equal(true);
    });

    it('does not try again after a conflict', async () => {
      await unitOfWork.run(place('7'));
      const abort = new AbortController();
      let tries = 0;
      const waiting = aUnitOfWork({ clock: new ManualClock(), random: () => 1 }).run(
        async ({ track }) => {
          tries++;
          track(Order.placed('7'));
        },
        { retryOnConflict: 5, signal: abort.signal },
      );
      await new Promise((resolve) => setImmediate(resolve));

      abort.abort();

      expect(await waiting.catch((thrown: unknown) => thrown)).to.have.property('name', 'AbortError');
      expect(tries).to.equal(1);
    });
  });
});
