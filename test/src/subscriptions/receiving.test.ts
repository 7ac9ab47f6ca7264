import { DatabaseUnavailableError, InvalidPayloadError } from '@waybill/core';
import type { Moment } from '@waybill/core';
import { InMemoryReceiver } from '@waybill/core/in-memory';
import { CrashPoints, eventually, gate } from '@waybill/testing';
import { expect } from 'chai';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { Consuming, upTo } from './consuming.js';

onEveryDatabase('a consumer over a receiver', <Tx>(open: OpenDatabase<Tx>) => {
  let app: Consuming<Tx>;
  let source: InMemoryReceiver;
  before(async () => (app = await Consuming.open(open)));
  beforeEach(function () {
    app.begin(this.currentTest!.title.slice(0, 60));
    source = new InMemoryReceiver({ maxRetries: 5 });
  });
  afterEach(() => app.end());
  after(() => app.shop.close());

  const start = (overrides: Parameters<typeof app.started>[0] = {}): ReturnType<typeof app.started> =>
    app.started({ receiver: source, leaseMs: undefined, ...overrides });
  const send = (count: number, from = 0): ReturnType<typeof app.ship> => {
    const parcels = app.ship(count, from);
    source.send(...parcels);
    return parcels;
  };
  const ackedAll = (count: number): Promise<readonly string[]> =>
    eventually(`${count} acknowledgements`, async () => (source.acked.length >= count ? source.acked : undefined));

  it('acknowledges what is committed', async () => {
    const parcels = send(20);

    const { consumer } = await start();

    expect(await ackedAll(20)).to.have.members(parcels.map(({ id }) => id));
    expect(await app.noted()).to.deep.equal(upTo(20));
    expect(await consumer.status()).to.deep.equal({ kind: 'receiver', state: 'running', inFlight: 0 });
    expect(await consumer.whenHandled(parcels, { source: parcels[0]!.source, timeoutMs: 5_000 })).to.equal('handled');
  });

  for (const moment of ['received', 'claimed', 'handled', 'acked'] as readonly Moment[])
    it(`commits each message's effects once when it is stopped at "${moment}"`, async () => {
      const crashes = new CrashPoints();
      for (const nth of [1, 3]) crashes.throwAt(moment, { nth });
      send(4);

      const { consumer } = await start({ reached: crashes.reached, concurrency: 1 });
      await eventually('what can be handled', async () => (source.acked.length + source.inFlight >= 4 ? true : undefined));
      await consumer.stop();
      await start();

      await eventually('the rest', async () => (new Set(source.acked).size === 4 ? true : undefined));
      expect(await app.noted()).to.deep.equal(upTo(4));
    });

  it('shares the messages with another process, and each is handled once', async () => {
    send(30);

    await start();
    await start();

    await ackedAll(30);
    expect(await app.noted()).to.deep.equal(upTo(30));
  });

  it('handles once what is delivered again because its acknowledgement was lost', async () => {
    const [parcel] = send(1);
    await start();
    await ackedAll(1);

    source.send(parcel!);

    await ackedAll(2);
    expect(await app.noted()).to.deep.equal([0]);
  });

  it('asks for it again when a handler fails, and tells which try it is', async () => {
    let failures = 2;
    app.warehouse.before = () => {
      if (failures-- > 0) throw new Error('the shelf is full');
    };
    send(1);

    const { told } = await start();

    await ackedAll(1);
    expect(told.filter(({ name }) => name === 'retried')).to.have.length(2);
    expect(await app.noted()).to.deep.equal([0]);
  });

  it('parks what has used up its tries, with the reason, and goes on', async () => {
    app.warehouse.before = ({ revision }) => {
      if (revision === 0n) throw new Error('the shelf is full');
    };
    const parcels = send(3);

    await start({ retry: { attempts: 2, firstMs: 1, maxMs: 1 } });
    const parked = await eventually('the parking', async () => source.parked[0]);

    expect(parked.id).to.equal(parcels[0]!.id);
    expect(parked.reason).to.contain('the shelf is full');
    await ackedAll(2);
    expect(await app.noted()).to.deep.equal([1, 2]);
  });

  it('parks at once where its policy says so', async () => {
    app.warehouse.before = () => {
      throw new Error('the shelf is full');
    };
    send(1);

    await start({ onFailure: 'park' });

    await eventually('the parking', async () => source.parked[0]);
    expect(app.warehouse.seen).to.have.length(1);
  });

  it('parks what no handler wants and what cannot be read, and acknowledges the former where it is told to', async () => {
    const [parcel] = app.ship(1);
    const error = new InvalidPayloadError('ParcelShipped', [{ message: 'it is binary' }]);
    const other = { ...parcel!, id: 'other', type: 'Other' };
    source.send(other, { ...parcel!, id: 'odd', json: { orderId: 7 } });
    source.sendUnreadable({ id: 'binary', type: 'ParcelShipped', stream: 'shipment-1', revision: 0n, error });
    const { consumer } = await start();
    await eventually('three parkings', async () => (source.parked.length === 3 ? true : undefined));
    await consumer.stop();

    await start({ unknownTypes: 'ignore' });
    source.send(other);

    await eventually('the acknowledgement', async () => (source.acked.includes('other') ? true : undefined));
    expect(source.parked.map(({ id }) => id)).to.have.members(['other', 'odd', 'binary']);
  });

  it('parks nothing that is newer than its code: another process may know it', async () => {
    const [parcel] = app.ship(1);
    source.send({ ...parcel!, schemaVersion: 3 });

    const { consumer, told } = await start();
    await eventually('that it waits', async () => told.find(({ name }) => name === 'outage'));
    await consumer.stop();

    expect([source.parked, source.acked, app.warehouse.seen]).to.deep.equal([[], [], []]);
  });

  it('waits for a database that is away, and uses up no try', async () => {
    let outages = 8; // more than the source has tries
    app.warehouse.before = () => {
      if (outages-- > 0) throw new DatabaseUnavailableError('it was restarted');
    };
    send(1);

    await start();

    await ackedAll(1);
    expect(source.parked).to.deep.equal([]);
    expect(await app.noted()).to.deep.equal([0]);
  });

  it('does not wait for a database that is away when it is stopped', async () => {
    app.warehouse.before = () => {
      throw new DatabaseUnavailableError('it was switched off');
    };
    send(1);
    const { consumer, told } = await start({ stopWithinMs: 600_000, retry: { firstMs: 300_000, maxMs: 300_000 } });
    await eventually('the outage', async () => told.find(({ name }) => name === 'outage'));

    await consumer.stop(); // or the test takes too long

    expect([source.acked, source.parked]).to.deep.equal([[], []]);
  });

  it('receives again by itself when the connection was lost', async () => {
    send(2);
    const { told } = await start();
    await ackedAll(2);

    source.break();
    send(2, 2);
    await eventually('the outage', async () => told.find(({ name }) => name === 'outage'));
    source.heal();

    await ackedAll(4);
    expect(await app.noted()).to.deep.equal(upTo(4));
  });

  it('takes no more than it handles side by side', async () => {
    const mayGoOn = gate();
    app.warehouse.before = () => mayGoOn.opened;
    send(10);
    await start({ concurrency: 3 });
    await eventually('three', async () => (app.warehouse.seen.length === 3 ? true : undefined));

    const { inFlight } = source;
    mayGoOn.open();

    expect(inFlight).to.be.at.most(4); // one may be asked for while the others are handled
    await ackedAll(10);
  });

  it('lets handlers finish when it is stopped', async () => {
    const [begun, mayGoOn] = [gate(), gate()];
    app.warehouse.before = async () => {
      begun.open();
      await mayGoOn.opened;
    };
    send(1);
    const { consumer } = await start();
    await begun.opened;

    const stopping = consumer.stop();
    mayGoOn.open();
    await stopping;

    expect([source.acked.length, source.inFlight]).to.deep.equal([1, 0]);
  });

  it('ends although a handler never does, and gives back what was not acknowledged', async () => {
    const [begun, never] = [gate(), gate()];
    app.warehouse.before = async () => {
      begun.open();
      await never.opened;
    };
    send(1);
    const { consumer } = await start({ stopWithinMs: 10 });
    await begun.opened;

    await consumer.stop();

    expect([source.acked.length, source.inFlight]).to.deep.equal([0, 0]);
    never.open(); // its transaction is open still
  });
});
