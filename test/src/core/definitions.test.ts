import { expect } from 'chai';
import { AggregateRoot, Catalogue, defineEvent, isWaybillError, UnitOfWork, unchecked } from '@waybill/core';
import type { DomainEvent, Message, MessageDefinition } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { superjsonCodec } from '@waybill/core/superjson';
import { z } from 'zod';
import { aDispatcher, QUICKLY, startUntil, stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';

const first = defineEvent('OrderPlaced', z.object({ customer: z.string(), total: z.number() }), { formerly: ['OrderCreated'] });
const second = first.next(z.object({ customerId: z.string(), total: z.number() }), ({ customer, total }) => ({
  customerId: customer,
  total,
}));
const third = second.next(
  z.object({ customerId: z.string(), totalCents: z.number().int(), currency: z.string().default('EUR') }),
  (data) => ({
    customerId: data.customerId,
    totalCents: Math.round(data.total * 100),
  }),
);

/** An aggregate that keeps whatever it is given. */
class Ledger extends AggregateRoot {
  readonly stream: string;
  readonly entries: DomainEvent[] = [];

  constructor(id: string) {
    super();
    this.stream = `ledger-${id}`;
  }

  record(event: DomainEvent): void {
    this.emit(event);
  }

  protected override apply({ type, data }: DomainEvent): void {
    this.entries.push({ type, data });
  }
}

describe('definitions', () => {
  let database: InMemoryDatabase;

  beforeEach(() => {
    database = new InMemoryDatabase();
  });
  stopDispatchers();

  const commit = async (definition: MessageDefinition, ...payloads: readonly unknown[]): Promise<void> => {
    const unitOfWork = new UnitOfWork({ database, catalogue: [definition] });
    await unitOfWork.run(async ({ find, track }) => {
      const ledger = (await find(Ledger, '1')) ?? track(new Ledger('1'));
      for (const data of payloads) ledger.record({ type: definition.type, data });
    });
  };
  const load = async (...catalogue: readonly MessageDefinition[]): Promise<readonly DomainEvent[]> => {
    const unitOfWork = new UnitOfWork({ database, catalogue });
    return (await unitOfWork.run(async ({ load }) => (await load(Ledger, '1')).entries)).result;
  };
  const dispatched = async (...catalogue: readonly MessageDefinition[]): Promise<InMemorySink> => {
    const sink = new InMemorySink();
    const dispatcher = aDispatcher({ database, catalogue, routes: { memory: { sink, start: 'beginning' } } });
    await startUntil(dispatcher, 'delivered');
    return sink;
  };

  it('are the constructor, the type name and the guard of their events', () => {
    const event = third({ customerId: 'c-1', totalCents: 1, currency: 'EUR' });

    expect(event).to.deep.equal({ type: 'OrderPlaced', data: { customerId: 'c-1', totalCents: 1, currency: 'EUR' } });
    expect(third.type).to.equal('OrderPlaced');
    expect([first, second, third].map(({ schemaVersion }) => schemaVersion)).to.deep.equal([1, 2, 3]);
    expect(third.is(event as Message)).to.equal(true);
    expect(third.is({ ...event, type: 'Other' } as Message)).to.equal(false);
  });

  it('leave the shorter history as it was when a version is added', () => {
    expect(first.schemaVersion).to.equal(1);
    expect(first.validate({ customer: 'c-1', total: 1 })).to.deep.equal({ customer: 'c-1', total: 1 });
  });

  it('store what the schema makes of the data, defaults filled in', async () => {
    await commit(third, { customerId: 'c-1', totalCents: 1 });

    expect(await load(third)).to.deep.equal([{ type: 'OrderPlaced', data: { customerId: 'c-1', totalCents: 1, currency: 'EUR' } }]);
  });

  it("bring events of every older version to today's shape when an aggregate is loaded", async () => {
    await commit(first, { customer: 'c-1', total: 1.5 });
    await commit(second, { customerId: 'c-2', total: 2.5 });
    await commit(third, { customerId: 'c-3', totalCents: 350, currency: 'CHF' });

    expect((await load(third)).map(({ data }) => data)).to.deep.equal([
      { customerId: 'c-1', totalCents: 150, currency: 'EUR' },
      { customerId: 'c-2', totalCents: 250, currency: 'EUR' },
      { customerId: 'c-3', totalCents: 350, currency: 'CHF' },
    ]);
  });

  it("bring events of every older version to today's shape when they are dispatched", async () => {
    await commit(first, { customer: 'c-1', total: 1.5 });
    await commit(second, { customerId: 'c-2', total: 2.5 });

    const sink = await dispatched(third);

    expect(
      sink.delivered.map(({ schemaVersion, payload, data }) => ({ schemaVersion, stored: JSON.parse(payload) as unknown, data })),
    ).to.deep.equal(
      [
        { customerId: 'c-1', totalCents: 150, currency: 'EUR' },
        { customerId: 'c-2', totalCents: 250, currency: 'EUR' },
      ].map((data) => ({ schemaVersion: 3, stored: data, data })),
    );
  });

  it('read events under the names that the type had before', async () => {
    const created = defineEvent('OrderCreated', z.object({ customer: z.string(), total: z.number() }));
    await commit(created, { customer: 'c-1', total: 1 });

    expect(await load(third)).to.deep.equal([{ type: 'OrderPlaced', data: { customerId: 'c-1', totalCents: 100, currency: 'EUR' } }]);
    const [message] = (await dispatched(third)).delivered;
    expect(message).to.include({ type: 'OrderPlaced', schemaVersion: 3, known: true });
  });

  it('deliver to a route that names the type the messages that were stored under a former name', async () => {
    const created = defineEvent('OrderCreated', z.object({ customer: z.string(), total: z.number() }));
    await commit(created, { customer: 'c-1', total: 1 });
    const sink = new InMemorySink();

    await startUntil(
      aDispatcher({ database, catalogue: [third], routes: { memory: { sink, only: [third], start: 'beginning' } } }),
      'delivered',
    );

    expect(sink.delivered.map(({ type }) => type)).to.deep.equal(['OrderPlaced']);
  });

  it('pass on types that the dispatching process does not know, as they were stored', async () => {
    await commit(first, { customer: 'c-1', total: 1 });

    const [message] = (await dispatched(defineEvent('Other', unchecked()))).delivered;

    expect(message).to.include({ type: 'OrderPlaced', schemaVersion: 1, known: false, payload: '{"customer":"c-1","total":1}' });
    expect(message!.data).to.deep.equal({ customer: 'c-1', total: 1 });
  });

  it('pass on schema versions that are newer than the dispatching process, as they were stored', async () => {
    await commit(third, { customerId: 'c-1', totalCents: 1, currency: 'CHF' });

    const [message] = (await dispatched(second)).delivered;

    expect(message).to.include({ schemaVersion: 3, known: false, payload: '{"customerId":"c-1","totalCents":1,"currency":"CHF"}' });
  });

  it('halt a route that wants no unknown types, and lose nothing', async () => {
    await commit(third, { customerId: 'c-1', totalCents: 1 });
    const sink = new InMemorySink();

    const dispatcher = aDispatcher({
      database,
      catalogue: [second],
      routes: { memory: { sink, start: 'beginning', unknownTypes: 'halt' } },
    });
    const { error, message } = await startUntil(dispatcher, 'halted');

    expect(error.message).to.include('type OrderPlaced, schema version 3').and.include("unknownTypes: 'halt'");
    expect(message).to.include({ stream: 'ledger-1', revision: 0n });
    expect(sink.delivered).to.deep.equal([]);
  });

  it('refuse to load what is newer than the process, for deciding on it would be wrong', async () => {
    await commit(third, { customerId: 'c-1', totalCents: 1 });

    const error = await failureOf('UNKNOWN_MESSAGE_TYPE', () => load(second));

    expect(error.message).to.include('schema version 3').and.include('ledger-1');
  });

  it('forward the stored text byte for byte, whatever the schema would make of it today', async () => {
    await commit(defineEvent('Noted', unchecked<object>()), { z: 'é\u0000\ud83d', a: 1e21 });

    const [message] = (await dispatched(defineEvent('Noted', z.object({ a: z.number(), z: z.string(), by: z.string().default('nobody') }))))
      .delivered;

    expect(message!.payload).to.equal('{"z":"é\\u0000\\ud83d","a":1e+21}');
    expect(message!.data).to.deep.equal({ a: 1e21, z: 'é\u0000\ud83d', by: 'nobody' });
  });

  it('parse a payload only when a sink asks for its data', async () => {
    let decoded = 0;
    const counted = defineEvent('Counted', unchecked<{ n: number }>(), {
      codec: { name: 'counted', encode: (data) => data, decode: (json) => (decoded++, json) },
    });
    await commit(counted, { n: 1 });
    decoded = 0;

    const [message] = (await dispatched(counted)).delivered;

    expect(decoded).to.equal(0);
    expect(message!.data).to.deep.equal({ n: 1 });
    expect(message!.data).to.equal(message!.data);
    expect(decoded).to.equal(1);
  });

  it('keep bigint, Date, Map and Set with the superjson codec', async () => {
    const rich = defineEvent('Rich', unchecked<object>(), { codec: superjsonCodec });
    const data = { n: 12n, at: new Date(5), map: new Map([['a', 1]]), set: new Set([1]), nothing: undefined };
    await commit(rich, data);

    expect(await load(rich)).to.deep.equal([{ type: 'Rich', data }]);
    expect((await dispatched(rich)).delivered[0]!.data).to.deep.equal(data);
  });

  it('pass on what another codec wrote, instead of misreading it', async () => {
    await commit(defineEvent('Rich', unchecked<object>(), { codec: superjsonCodec }), { n: 12n });
    const plain = defineEvent('Rich', unchecked<object>());

    const [message] = (await dispatched(plain)).delivered;

    expect(message).to.include({ known: false, codec: 'superjson' });
    expect((await failureOf('UNKNOWN_MESSAGE_TYPE', () => load(plain))).message).to.include('codec superjson');
  });

  it('refuse at commit a schema that would not survive its codec', async () => {
    const strict = defineEvent('Strict', z.object({ at: z.date() }));

    const error = await failureOf('INVALID_PAYLOAD', () => commit(strict, { at: new Date() }));

    expect(error.message).to.include('does not survive its codec "json"').and.include('let the schema coerce, or choose another codec');
    expect(isWaybillError(error.cause, 'INVALID_PAYLOAD')).to.equal(true);
    expect((await database.routes.outbox()).empty).to.equal(true);
  });

  it('refuse such a payload also where the first ones happened to survive', async () => {
    const sometimes = defineEvent('Sometimes', z.object({ at: z.date().optional() }));
    await commit(sometimes, {});

    await failureOf('INVALID_PAYLOAD', () => commit(sometimes, { at: new Date() }));

    expect(await load(sometimes)).to.deep.equal([{ type: 'Sometimes', data: {} }]);
  });

  it('keep dates with a schema that coerces', async () => {
    const coercing = defineEvent('Coercing', z.object({ at: z.coerce.date() }));
    await commit(coercing, { at: new Date(5) });

    expect(await load(coercing)).to.deep.equal([{ type: 'Coercing', data: { at: new Date(5) } }]);
  });

  it("halt a lane at a stored event that no upcaster can bring to today's shape", async () => {
    const broken = first.next(z.object({ total: z.number() }), () => {
      throw new Error('no such customer');
    });
    await commit(first, { customer: 'c-1', total: 1 });
    const sink = new InMemorySink();

    const dispatcher = aDispatcher({ database, catalogue: [broken], routes: { memory: { sink, start: 'beginning', retry: QUICKLY } } });
    const { error, attempts } = await startUntil(dispatcher, 'halted');

    expect(error.message).to.include('its upcaster threw: Error: no such customer');
    expect(attempts).to.equal(1);
    expect(sink.delivered).to.deep.equal([]);
  });

  it('refuse two definitions that claim one name', async () => {
    const error = await failureOf('INVALID_OPTIONS', () => new Catalogue([first, defineEvent('OrderCreated', unchecked())]));

    expect(error.message).to.include('"OrderCreated": OrderPlaced and OrderCreated');
  });

  it('refuse a schema that validates asynchronously', async () => {
    const slow = defineEvent(
      'Slow',
      z.object({ a: z.string() }).refine(async () => true),
    );

    const error = await failureOf('INVALID_OPTIONS', () => commit(slow, { a: '' }));

    expect(error.message).to.include('The schema of "Slow" validates asynchronously');
  });

  it('refuse a type without a name', async () => {
    await failureOf('INVALID_OPTIONS', () => defineEvent('', unchecked()));
  });
});
