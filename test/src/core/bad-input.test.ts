import { expect } from 'chai';
import { AggregateRoot, defineEvent, isWaybillError, MAX_STREAM_NAME_BYTES, unchecked, UnitOfWork } from '@waybill/core';
import type { DomainEvent, Scope, UnitOfWorkOptions, WaybillErrors } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { z } from 'zod';
import { failureOf } from '../shop/failure-of.js';
import { ChargeCard, Order, orderEvents, OrderNoted } from '../shop/order.js';

const Anything = defineEvent('Anything', unchecked<unknown>());
const catalogue = [...orderEvents, ChargeCard, Anything];

class Freely extends AggregateRoot {
  constructor(readonly stream: string) {
    super();
  }

  record(event: DomainEvent): this {
    this.emit(event);
    return this;
  }

  protected override apply(): void {}
}

describe('bad input', () => {
  let database: InMemoryDatabase;
  let unitOfWork: UnitOfWork<InMemoryTx>;

  beforeEach(async () => {
    database = new InMemoryDatabase();
    unitOfWork = new UnitOfWork({ database, catalogue });
    await unitOfWork.run(async ({ track }) => track(Order.placed('before')));
  });

  const rows = async (): Promise<number> => {
    const page = await database.lanes.read({
      ...{ route: 'count', lane: 0, order: 'global', selection: {}, limit: 10_000 },
      after: { passed: 0 } as never,
    });
    return page.rows.length;
  };
  /** What the work is refused with. It takes nothing along: neither what it did besides, nor what was committed before. */
  const refusalOf = async <Code extends keyof WaybillErrors>(
    code: Code,
    work: (scope: Scope<InMemoryTx>) => unknown,
    options: Partial<UnitOfWorkOptions<InMemoryTx>> = {},
  ): Promise<WaybillErrors[Code]> => {
    const good = Order.placed('good');
    const error = await failureOf(code, () =>
      new UnitOfWork({ database, catalogue, ...options }).run(async (scope) => {
        scope.track(good);
        await work(scope);
      }),
    );
    expect(await rows(), 'rows in the outbox').to.equal(1);
    expect(good.pending, 'events that can be committed again').to.have.length(1);
    await unitOfWork.run(async ({ track }) => track(good));
    return error;
  };
  const refusedPayload = (data: unknown): Promise<WaybillErrors['INVALID_PAYLOAD']> =>
    refusalOf('INVALID_PAYLOAD', ({ append }) => append('c-1', { type: 'Anything', data }));
  const refusedStream = (stream: unknown): Promise<WaybillErrors['INVALID_STREAM_NAME']> =>
    refusalOf('INVALID_STREAM_NAME', ({ track }) => track(new Freely(stream as string).record(Anything(1))));

  describe('in types', () => {
    it('an event that the catalogue does not list is named, with what to do', async () => {
      const error = await refusalOf('UNKNOWN_MESSAGE_TYPE', ({ track }) =>
        track(new Freely('order-8').record({ type: 'OrderPlacd', data: {} })),
      );

      expect(error.type).to.equal('OrderPlacd');
      expect(error.message).to.include('Add its definition to `catalogue`, or name it in `formerly`');
    });

    it('a former name is for reading only', async () => {
      const renamed = defineEvent('New', unchecked(), { formerly: ['Old'] });

      await refusalOf('UNKNOWN_MESSAGE_TYPE', ({ append }) => append('c-1', { type: 'Old', data: {} }), {
        catalogue: [...catalogue, renamed],
      });
    });

    it('names that every object has are no types', async () => {
      for (const type of ['__proto__', 'constructor', 'toString']) {
        const error = await failureOf('UNKNOWN_MESSAGE_TYPE', () =>
          unitOfWork.run(async ({ append }) => append('c-1', { type, data: {} })),
        );
        expect(error.type).to.equal(type);
      }
    });

    it('a command that an aggregate emits is refused', async () => {
      const error = await refusalOf('INVALID_APPEND', ({ track }) =>
        track(new Freely('order-8').record(ChargeCard({ orderId: '8', totalCents: 1 }))),
      );

      expect(error.stream).to.equal('order-8');
      expect(error.message).to.include('ChargeCard').and.include('commands are sent with append()');
    });
  });

  describe('in payloads', () => {
    it('what the schema refuses is told path by path', async () => {
      const error = await refusalOf('INVALID_PAYLOAD', ({ track }) =>
        track(new Freely('order-8').record({ type: 'OrderPlaced', data: { customerId: 7, totalCents: 1.5 } })),
      );

      expect(error.type).to.equal('OrderPlaced');
      expect(error.issues).to.have.length(2);
      expect(error.message).to.match(/customerId: .*string.*; totalCents: .*int/);
    });

    it('a bigint needs a codec', async () => {
      const error = await refusedPayload({ n: 1n });

      expect(error.message).to.include('cannot be written as JSON').and.include('{ codec: superjsonCodec }');
      expect(error.cause).to.be.instanceOf(TypeError);
    });

    it('a circle is refused', async () => {
      const circle: Record<string, unknown> = {};
      circle['self'] = circle;

      expect((await refusedPayload(circle)).message).to.include('cannot be written as JSON');
    });

    it('nothing at all is refused, null is not', async () => {
      for (const nothing of [undefined, () => {}, Symbol('s')]) {
        const error = await failureOf('INVALID_PAYLOAD', () =>
          unitOfWork.run(async ({ append }) => append('c-1', { type: 'Anything', data: nothing })),
        );
        expect(error.message).to.include(`${typeof nothing} is not a payload; use null or {}`);
      }

      const { messages } = await unitOfWork.run(async ({ append }) => append('c-1', Anything(null)));
      expect(messages).to.have.length(1);
    });

    it('prototype keys are refused, at any depth', async () => {
      const nested = JSON.parse('{"list":[{"a":{"__proto__":{"admin":true}}}]}') as unknown;

      expect((await refusedPayload(nested)).message).to.include('a key "__proto__", which would poison objects of its readers');
    });

    it('text that only speaks of prototypes is fine', async () => {
      const { messages } = await unitOfWork.run(async ({ append }) =>
        append('c-1', Anything({ text: '"__proto__"', list: ['__proto__'] })),
      );

      expect(messages).to.have.length(1);
    });

    it('an upload is too large for an event, and the limit is told', async () => {
      const error = await refusalOf('PAYLOAD_TOO_LARGE', ({ track }) =>
        track(new Freely('upload-1').record(Anything({ text: 'ä'.repeat(600_000) }))),
      );

      expect(error).to.include({ type: 'Anything', stream: 'upload-1', limitBytes: 1_000_000, bytes: 1_200_011 });
      expect(error.message).to.include('Store the large part elsewhere and refer to it, or raise `maxPayloadBytes`');
    });

    it('the limit can be raised, and is a limit in bytes', async () => {
      const limited = new UnitOfWork({ database, catalogue, maxPayloadBytes: 4 });

      await limited.run(async ({ append }) => append('c-1', Anything('ä')));

      await failureOf('PAYLOAD_TOO_LARGE', () => limited.run(async ({ append }) => append('c-1', Anything('ää'))));
    });
  });

  describe('in stream names', () => {
    for (const [what, stream, reason] of [
      ['an empty name', '', 'is empty'],
      ['a name that EventStoreDB keeps for itself', '$all', 'begins with "$"'],
      ['a NUL character', 'order-\0', 'holds a NUL character'],
      ['half a surrogate pair', 'order-\ud83d', 'holds half a surrogate pair'],
      [
        'a name in the namespace of keyed events',
        'key-1',
        'begins with "key-", which is kept for messages that are no aggregate\'s events',
      ],
      ['a name in the namespace of commands', 'command-1', 'begins with "command-"'],
      ['a name that was never set', undefined, 'is not a string; set `stream` in the constructor of the aggregate'],
      ['a number', 7, 'is not a string'],
    ] as const) {
      it(`${what} is refused`, async () => {
        expect((await refusedStream(stream)).message).to.include(reason);
      });
    }

    it('a name is limited in bytes, not in characters', async () => {
      await unitOfWork.run(async ({ track }) => track(new Freely('ä'.repeat(MAX_STREAM_NAME_BYTES / 2)).record(Anything(1))));
      const error = await failureOf('INVALID_STREAM_NAME', () =>
        unitOfWork.run(async ({ track }) => track(new Freely('ä'.repeat(MAX_STREAM_NAME_BYTES / 2 + 1)).record(Anything(1)))),
      );

      expect(error.message).to.include(`has ${MAX_STREAM_NAME_BYTES + 2} bytes; the limit is ${MAX_STREAM_NAME_BYTES}`);
    });

    it('the long name itself is cut short in the message', async () => {
      const error = await failureOf('INVALID_STREAM_NAME', () =>
        unitOfWork.run(async ({ track }) => track(new Freely('a'.repeat(100_000)))),
      );

      expect(error.message).to.have.length.below(300);
    });

    it('an ordering key is empty, no text, or too long', async () => {
      const append = (key: unknown) => (): Promise<unknown> => unitOfWork.run(async (scope) => scope.append(key as string, Anything(1)));

      expect((await failureOf('INVALID_STREAM_NAME', append(''))).message).to.include('choose an ordering key');
      expect((await failureOf('INVALID_STREAM_NAME', append(undefined))).message).to.include('is not a string');
      await failureOf('INVALID_STREAM_NAME', append('a'.repeat(MAX_STREAM_NAME_BYTES)));
    });

    it('is refused before the stream is read', async () => {
      await failureOf('INVALID_STREAM_NAME', () => unitOfWork.run(async ({ find }) => find(Freely, '$all')));
    });
  });

  describe('in what is committed together', () => {
    it('an append without a message is refused', async () => {
      const error = await refusalOf('INVALID_APPEND', ({ append }) => append('c-1', []));

      expect(error.stream).to.equal('c-1');
      expect(error.message).to.include('leave the call out, or pass at least one');
    });

    it('two objects of one stream are refused', async () => {
      const error = await refusalOf('INVALID_APPEND', ({ track }) => {
        track(Order.placed('8'));
        track(Order.placed('8'));
      });

      expect(error.stream).to.equal('order-8');
      expect(error.message).to.include('load or create it once and pass it on');
    });

    it('one object twice is one', async () => {
      const { messages } = await unitOfWork.run(async ({ track }) => {
        const order = track(Order.placed('8'));
        track(order);
      });

      expect(messages).to.have.length(1);
    });

    it('one stream as two kinds of aggregate is refused', async () => {
      const error = await refusalOf('INVALID_APPEND', async ({ load }) => {
        await load(Order, 'before');
        await load(Freely, 'order-before');
      });

      expect(error.message).to.include('loaded as Order already and cannot be Freely too');
    });

    it('creating what exists is a conflict', async () => {
      const error = await refusalOf('CONCURRENCY', ({ track }) => track(Order.placed('before')));

      expect(error).to.include({ stream: 'order-before', expectedRevision: undefined, actualRevision: 0n });
      expect(error.message).to.include('was expected at no stream but is at revision 0');
    });

    it('one bad message takes the good ones along, whatever the order', async () => {
      await refusalOf('INVALID_PAYLOAD', ({ append }) =>
        append('c-1', [OrderNoted({ text: 'good' }), OrderNoted({ text: 1 } as never), OrderNoted({ text: 'good' })]),
      );
    });
  });

  describe('in options', () => {
    it('metadata are text', async () => {
      const error = await failureOf('INVALID_OPTIONS', () => unitOfWork.run(async () => {}, { metadata: { tenant: 7 as never } }));

      expect(error.message).to.include('Metadata "tenant" is not text');
    });

    it('metadata keys of EventStoreDB and of prototypes are reserved', async () => {
      for (const key of ['$correlationId', '__proto__']) {
        const metadata = JSON.parse(`{"${key}":"x"}`) as Record<string, string>;
        expect((await failureOf('INVALID_OPTIONS', () => unitOfWork.run(async () => {}, { metadata }))).message).to.include(
          `"${key}" is reserved`,
        );
        await failureOf('INVALID_OPTIONS', () => unitOfWork.run(async ({ append }) => append('c-1', Anything(1), { metadata })));
      }
    });

    it('a count of retries is a whole number', async () => {
      for (const retryOnConflict of [-1, 0.5, NaN, Infinity])
        await failureOf('INVALID_OPTIONS', () => unitOfWork.run(async () => {}, { retryOnConflict }));
    });

    it('run ids are UUIDs', async () => {
      const error = await failureOf('INVALID_OPTIONS', () => new UnitOfWork({ database, catalogue, newId: () => '1' }).run(async () => {}));

      expect(error.message).to.include('"1", which is not a UUID');
    });
  });

  it('is told by code, also across two copies of the package', async () => {
    const error: unknown = await unitOfWork.run(async ({ track }) => track(Order.placed('before'))).catch((thrown: unknown) => thrown);
    const copy = Object.assign(new Error('of another copy'), { code: 'CONCURRENCY', stream: 'order-7' });

    expect(error).to.have.property('name', 'ConcurrencyError');
    expect([error, copy].map((one) => isWaybillError(one, 'CONCURRENCY'))).to.deep.equal([true, true]);
    expect([{ code: 'CONCURRENCY' }, undefined, error].map((one) => isWaybillError(one, 'STREAM_GAP'))).to.deep.equal([
      false,
      false,
      false,
    ]);
  });

  it('in a schema that throws instead of answering is refused with the cause', async () => {
    const broken = new Error('broken schema');
    const throwing = defineEvent('Throwing', {
      '~standard': {
        ...{ version: 1 as const, vendor: 'test' },
        validate: (): { readonly value: string } => {
          throw broken;
        },
      },
    });

    const error = await refusalOf('INVALID_PAYLOAD', ({ append }) => append('c-1', throwing('x')), { catalogue: [...catalogue, throwing] });

    expect(error.message).to.include('its schema threw: Error: broken schema');
    expect(error.cause).to.equal(broken);
  });

  it('in a schema whose library answers a throw with a promise does not end the process', async () => {
    const throwing = defineEvent(
      'Throwing',
      z.string().transform((): string => {
        throw new Error('broken schema');
      }),
    );

    const error = await refusalOf('INVALID_OPTIONS', ({ append }) => append('c-1', throwing('x')), { catalogue: [...catalogue, throwing] });

    expect(error.message).to.include('The schema of "Throwing" validates asynchronously (or threw');
    await new Promise((resolve) => setImmediate(resolve));
  });
});
