import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { ArrivedMessage, Intake } from '@waybill/core';
import { eventually } from '@waybill/testing';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { aParcel, Warehouse } from './parcels.js';
import { Reception, take, WAYS } from './reception.js';

onEveryDatabase('a message from elsewhere', <Tx>(open: OpenDatabase<Tx>) => {
  let reception: Reception<Tx>;
  let stream: string;
  before(async () => (reception = await Reception.open(open)));
  beforeEach(() => (stream = randomUUID()));
  stopDispatchers();
  after(() => reception.close());

  for (const way of WAYS) {
    describe(`that is handled ${way}`, () => {
      let warehouse: Warehouse<Tx>;
      let intake: Intake;
      beforeEach(async () => {
        warehouse = new Warehouse<Tx>((entry, tx) => reception.shop.write(entry, tx));
        intake = await reception.by(way, [warehouse], { name: stream });
      });
      const handled = async (message: ArrivedMessage): Promise<Warehouse<Tx>['seen'][number]> => {
        await take(intake, message);
        return eventually('a handled message', async () => warehouse.seen[0]);
      };

      it('comes to its handlers as it was sent', async () => {
        const parcel = aParcel(stream, 0n, { occurredAt: new Date('2024-02-29T12:00:00.123Z') });

        const { id, kind, type, data, occurredAt, schemaVersion } = await handled(parcel);

        expect({ id, kind, type, schemaVersion }).to.deep.equal({ id: parcel.id, kind: 'event', type: 'ParcelShipped', schemaVersion: 2 });
        expect(data).to.deep.equal({ orderId: '7', parcels: 3 });
        expect(occurredAt).to.deep.equal(parcel.occurredAt);
      });

      it('tells where it is from, whatever its sender says of that beside, and to which conversation it belongs', async () => {
        const told = { correlationId: 'conversation', causationId: 'cause', traceparent: '00-1-2-01', tenant: 'ü' };

        const metadata = { ...told, source: 'https://forged.example', sourceId: 'forged' };
        const message = await handled(aParcel(stream, 41n, { metadata, route: 'carriers' }));

        const origin = { source: 'https://sender.example/orders', sourceRoute: 'carriers', sourceRevision: '41' };
        expect(message.metadata).to.deep.equal({ ...told, ...origin });
      });

      it('comes in the shape of today when its sender has an older schema', async () => {
        const { data, schemaVersion } = await handled(aParcel(stream, 0n, { schemaVersion: 1, json: { orderId: '8' } }));

        expect({ data, schemaVersion }).to.deep.equal({ data: { orderId: '8', parcels: 1 }, schemaVersion: 2 });
      });

      it('is known by a former name', async () => {
        expect((await handled(aParcel(stream, 0n, { type: 'OrderShipped' }))).type).to.equal('ParcelShipped');
      });

      it('gets a UUID from source and id where its id is none, the same each time, and keeps the one it came with', async () => {
        const numbered = aParcel(stream, 0n, { id: `parcel ${stream} № 1` });

        const { id, metadata } = await handled(numbered);

        expect(id).to.match(/^[0-9a-f-]{36}$/);
        expect(metadata['sourceId']).to.equal(numbered.id);
        expect(await take(intake, numbered)).to.equal('duplicate');
        expect(await take(intake, { ...numbered, source: 'https://other.example' })).not.to.equal('duplicate');
      });

      it('is not hidden by what another sender sent under the same id', async () => {
        const parcel = aParcel(stream);
        await handled({ ...parcel, source: 'https://other.example', stream: `${stream}-other` });

        const taken = [await take(intake, parcel), await take(intake, parcel)];

        expect(taken).to.deep.equal([way === 'now' ? 'handled' : 'accepted', 'duplicate']);
        await eventually('both', async () => (warehouse.seen.length === 2 ? true : undefined));
        expect(warehouse.seen.map(({ id, stream: of }) => [id, of])).to.have.deep.members([
          [parcel.id, `${stream}-other`],
          [parcel.id, stream],
        ]);
      });

      it('is the same message with its id in capitals', async () => {
        const parcel = aParcel(stream);
        await handled({ ...parcel, id: parcel.id.toUpperCase() });

        expect(await take(intake, parcel)).to.equal('duplicate');
      });

      it('keeps the name of its stream, whatever prefix its sender uses', async () => {
        expect((await handled(aParcel(`${stream} key-7`))).stream).to.equal(`${stream} key-7`);
        expect(await take(intake, aParcel('key-7'))).not.to.equal('duplicate');
      });

      const refused = (code: 'UNKNOWN_MESSAGE_TYPE' | 'INVALID_PAYLOAD' | 'INVALID_STREAM_NAME', message: ArrivedMessage): Promise<Error> =>
        failureOf(code, () => take(intake, message));

      it('is refused when nobody here knows its type', async () => {
        expect((await refused('UNKNOWN_MESSAGE_TYPE', aParcel(stream, 0n, { type: 'ParcelLost' }))).message).to.include('"ParcelLost"');
      });

      it('is refused when its schema version or codec is not known here', async () => {
        for (const foreign of [
          { schemaVersion: 3 },
          { schemaVersion: 0 },
          { schemaVersion: -1 },
          { schemaVersion: 1.5 },
          { codec: 'avro' },
        ])
          await refused('UNKNOWN_MESSAGE_TYPE', aParcel(stream, 0n, foreign));
      });

      it('is refused when its payload does not fit', async () => {
        for (const json of [{ orderId: 7 }, null, undefined, 'text', []]) await refused('INVALID_PAYLOAD', aParcel(stream, 0n, { json }));
      });

      it('is refused when it would poison objects of its readers', async () => {
        for (const text of [
          '{"orderId":"7","parcels":1,"__proto__":{"isAdmin":true}}',
          '{"orderId":"7","parcels":1,"x":[{"__proto__":1}]}',
        ])
          expect((await refused('INVALID_PAYLOAD', aParcel(stream, 0n, { json: JSON.parse(text) }))).message).to.include('"__proto__"');
        const metadata = JSON.parse('{"correlationId":"1","__proto__":"2"}') as ArrivedMessage['metadata'];
        await refused('INVALID_PAYLOAD', aParcel(stream, 0n, { metadata }));
      });

      it('is refused when it is nested deeper than it can be read', async () => {
        const json: unknown = JSON.parse('{"orderId":"7","parcels":1,"x":' + '['.repeat(100_000) + ']'.repeat(100_000) + '}');

        await refused('INVALID_PAYLOAD', aParcel(stream, 0n, { json }));
      });

      it('is refused with a name of a stream that no store keeps', async () => {
        for (const name of ['', '$all', 'a\0b', '\ud800', 'x'.repeat(1_001)]) await refused('INVALID_STREAM_NAME', aParcel(name));
      });

      it('is refused with an id, a source, a route or numbers that no store keeps', async () => {
        for (const bad of [
          { id: '' },
          { id: 'a\0' },
          { source: '' },
          { source: '\ud800' },
          { source: 'x'.repeat(1_000) },
          { route: 'a\0' },
          { revision: -1n },
          { revision: 2n ** 63n },
          { epoch: -1n },
          { occurredAt: new Date('no time') },
        ])
          await refused('INVALID_PAYLOAD', aParcel(stream, 0n, bad));
        expect(await reception.kept(stream)).to.deep.equal([]);
      });
    });
  }
});
