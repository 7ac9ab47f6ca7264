import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { expect } from 'chai';
import { ArrivalLog, InboxHandler, UnitOfWork, InboxHandlers } from '@waybill/core';
import type { HandlerContext, Intake, Message } from '@waybill/core';
import { HttpReceiver } from '@waybill/http';
import type { Problem } from '@waybill/http';
import { nodeListener } from '@waybill/http/node';
import { PostgresDatabase } from '@waybill/postgres';
import { eventually, gate } from '@waybill/testing';
import { Pool } from 'pg';
import { onEveryDatabase } from '../../databases/databases.js';
import type { OpenDatabase } from '../../databases/databases.js';
import { ParcelShipped, Warehouse } from '../../receiving/parcels.js';
import { Reception, WAYS } from '../../receiving/reception.js';
import { stopDispatchers } from '../../shop/dispatching.js';
import { orderEvents } from '../../shop/order.js';
import { listening } from './doors.js';
import type { Door } from './doors.js';
import { anEvent, batch, received, SECRET, signed, slugOf, structured } from './sender.js';
import type { Sent } from './sender.js';

/** As a Waybill sends it: the nth of its stream, which names the one before. */
const aShipment = (stream: string, nth: number, overrides: Readonly<Record<string, unknown>> = {}): ReturnType<typeof anEvent> =>
  anEvent({
    ...{
      type: 'ParcelShipped',
      subject: stream,
      partitionkey: stream,
      sequence: String(nth),
      waybillroute: 'partners',
      waybillschema: '2',
    },
    waybillprevious: nth === 0 ? 'none' : String(nth - 1),
    waybillepoch: '3',
    data: { orderId: String(nth), parcels: 1 },
    ...overrides,
  });

onEveryDatabase('a receiver', <Tx>(open: OpenDatabase<Tx>) => {
  let reception: Reception<Tx>;
  let door: Door | undefined;
  /** Of the receiver and its route, and what the names of its streams begin with. */
  let stream: string;
  before(async () => (reception = await Reception.open(open)));
  beforeEach(() => (stream = randomUUID()));
  afterEach(async () => {
    await door?.close();
    door = undefined;
  });
  stopDispatchers();
  after(() => reception.close());

  const write = (entry: string, tx: Tx): Promise<void> => reception.shop.write(entry, tx);
  const openTo = async (intake: Intake): Promise<void> =>
    void (door = await listening(createServer(nodeListener(new HttpReceiver({ intake, secrets: SECRET })))));
  const post = async (sent: Sent, signal?: AbortSignal): Promise<Response> =>
    fetch(door!.url, { method: 'POST', ...signed(sent), ...(signal && { signal }) });
  const outcome = async (sent: Sent): Promise<string> => {
    const answer = await post(sent);
    const { outcome, type } = (await answer.json()) as { readonly outcome?: string } & Partial<Problem>;
    return `${answer.status} ${outcome ?? type?.replace('urn:waybill:problem:', '')}`;
  };

  for (const way of WAYS) {
    const success = way === 'now' ? '200 handled' : '202 accepted';

    describe(`that handles ${way}`, () => {
      it('takes a message once, however often it comes, and also when it comes twice at a time', async () => {
        await openTo(await reception.by(way, [new Warehouse<Tx>(write)], { name: stream }));
        const sent = structured(aShipment(stream, 0));

        const answers = [...(await Promise.all([outcome(sent), outcome(sent)])), await outcome(sent)];

        expect(answers.sort()).to.deep.equal([success, '200 duplicate', '200 duplicate'].sort());
        expect(await reception.writtenOnce(stream, 1)).to.deep.equal([`${stream} 0`]);
      });

      it('refuses what it does not know, and what does not fit', async () => {
        await openTo(await reception.by(way, [new Warehouse<Tx>(write)], { name: stream }));

        const answers = [
          await outcome(structured(aShipment(stream, 0, { type: 'ParcelLost' }))),
          await outcome(structured(aShipment(stream, 0, { data: { orderId: 7 } }))),
          await outcome(structured(aShipment(stream, 0, { waybillschema: '3' }))),
        ];

        expect(answers).to.deep.equal(['422 unknown-type', '422 invalid-payload', '422 unknown-type']);
      });

      it('proves order: what comes too early is told so, and taken when what was missing has come', async () => {
        await openTo(await reception.by(way, [new Warehouse<Tx>(write)], { name: stream, inOrder: true }));
        const [zero, one, two] = [0, 1, 2].map((nth) => structured(aShipment(stream, nth)));

        const answers = [await outcome(zero!), await outcome(two!), await outcome(one!), await outcome(two!), await outcome(one!)];

        expect(answers).to.deep.equal([success, '409 predecessor-missing', success, success, '200 duplicate']);
        expect(await reception.writtenOnce(stream, 3)).to.deep.equal([`${stream} 0`, `${stream} 1`, `${stream} 2`]);
      });

      it('refuses what a sender that was replaced sends late', async () => {
        await openTo(await reception.by(way, [new Warehouse<Tx>(write)], { name: stream, inOrder: true }));

        const answers = [
          await outcome(structured(aShipment(stream, 0, { waybillepoch: '4' }))),
          await outcome(structured(aShipment(stream, 1))),
          await outcome(structured(aShipment(stream, 1, { waybillepoch: '4' }))),
        ];

        expect(answers).to.deep.equal([success, '409 stale-sender', success]);
      });

      it('takes of a batch what comes before the one that it cannot take, and goes on there', async () => {
        await openTo(await reception.by(way, [new Warehouse<Tx>(write)], { name: stream, inOrder: true }));
        const [zero, one, three, two] = [0, 1, 3, 2].map((nth) => aShipment(stream, nth));

        const early = await post(batch([zero, one, three, two]));
        const rest = await post(batch([two, three]));

        expect([early.status, ((await early.json()) as Problem).accepted]).to.deep.equal([409, 2]);
        expect(await rest.json()).to.deep.equal({ outcome: success.split(' ')[1], accepted: 2 });
        expect(await reception.writtenOnce(stream, 4)).to.have.length(4);
      });

      it('takes a message of somebody whose ids are no UUIDs once, too', async () => {
        await openTo(await reception.by(way, [new Warehouse<Tx>(write)], { name: stream }));
        const sent = structured(
          anEvent({ id: 'A-1', source: `/${stream}`, type: 'ParcelShipped', subject: stream, data: { orderId: '0' } }),
        );

        const answers = [await outcome(sent), await outcome(sent)];

        expect(answers).to.deep.equal([success, '200 duplicate']);
        expect(await reception.writtenOnce(stream, 1)).to.deep.equal([`${stream} 0`]);
      });
    });
  }

  it('answers 500 when a handler fails, keeps nothing of it, and takes the message when it comes again', async () => {
    const warehouse = new Warehouse<Tx>(write);
    warehouse.before = () => {
      throw new Error('no such order');
    };
    await openTo(reception.now([warehouse], { name: stream }));
    const sent = structured(aShipment(stream, 0));

    const failed = await outcome(sent);
    const left = await reception.written(stream);
    warehouse.before = () => {};

    expect([failed, left]).to.deep.equal(['500 failed', []]);
    expect(await outcome(sent)).to.equal('200 handled');
    expect(await reception.written(stream)).to.deep.equal([`${stream} 0`]);
  });

  it('commits all of a handler or nothing when its client hangs up in the middle, and all of it once in the end', async () => {
    const [begun, mayEnd] = [gate(), gate()];
    let stop: AbortSignal | undefined;
    class Ledger {
      @InboxHandler(ParcelShipped, { name: 'ledger' })
      async onShipped(message: Message<ParcelShipped>, { tx, signal }: HandlerContext<Tx>): Promise<void> {
        stop ??= signal;
        await write(`${message.stream} debit`, tx);
        begun.open();
        await mayEnd.opened;
        await write(`${message.stream} credit`, tx);
      }
    }
    await openTo(reception.now([new Ledger()], { name: stream }));
    const sent = structured(aShipment(stream, 0));
    const client = new AbortController();

    const given = post(sent, client.signal).catch(() => 'hung up');
    await begun.opened;
    client.abort();
    expect(await given).to.equal('hung up');
    await eventually('the signal', async () => (stop!.aborted ? true : undefined));
    mayEnd.open();
    const again = await outcome(sent);

    expect(again).to.be.oneOf(['200 handled', '200 duplicate']);
    expect(await reception.written(stream)).to.deep.equal([`${stream} credit`, `${stream} debit`]);
  });
});

describe('a receiver whose database is away', () => {
  const pool = new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/nowhere', connectionTimeoutMillis: 1_000 });
  const database = new PostgresDatabase({ pool });
  after(() => pool.end());

  const intakes: Readonly<Record<string, () => Intake>> = {
    now: () => {
      const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
      return new InboxHandlers({ name: 'parcels', database, unitOfWork, handlers: [new Warehouse(async () => {})] });
    },
    later: () => new ArrivalLog({ name: 'parcels', database, catalogue: [ParcelShipped] }),
  };
  for (const [way, intake] of Object.entries(intakes)) {
    it(`answers 503, and when to come back, where it handles ${way}`, async () => {
      const receiver = new HttpReceiver({ intake: intake(), unsigned: true });

      const reply = await receiver.handle(received(structured(aShipment('parcel-7', 0))));

      expect([reply.status, slugOf(reply), reply.headers['retry-after']]).to.deep.equal([503, 'unavailable', '5']);
      expect(reply.body).to.not.contain('127.0.0.1');
    });
  }
});
