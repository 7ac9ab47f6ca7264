import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { ArrivedMessage, Intake } from '@waybill/core';
import { onEveryDatabase } from '../databases/databases.js';
import type { OpenDatabase } from '../databases/databases.js';
import { stopDispatchers } from '../shop/dispatching.js';
import { failureOf } from '../shop/failure-of.js';
import { aParcel, parcelsOf, Warehouse } from './parcels.js';
import { crash, Reception, take, WAYS } from './reception.js';
import type { IntakeOptions } from './reception.js';

onEveryDatabase('what arrives', <Tx>(open: OpenDatabase<Tx>) => {
  let reception: Reception<Tx>;
  let stream: string;
  before(async () => (reception = await Reception.open(open)));
  beforeEach(() => (stream = randomUUID()));
  stopDispatchers();
  after(() => reception.close());

  for (const way of WAYS) {
    describe(`and is handled ${way}`, () => {
      const first = way === 'now' ? 'handled' : 'accepted';
      const intake = (options: Omit<IntakeOptions, 'name'> = {}): Promise<Intake> =>
        reception.by(way, [new Warehouse<Tx>((entry, tx) => reception.shop.write(entry, tx))], { name: stream, ...options });

      it('is handled once, however often it arrives at the same time', async () => {
        const [parcel, carriers] = [aParcel(stream), await intake()];

        const taken = await Promise.all(Array.from({ length: 8 }, () => take(carriers, parcel)));
        const again = await take(carriers, parcel);

        expect(taken.sort()).to.deep.equal([first, ...Array.from({ length: 7 }, () => 'duplicate')].sort());
        expect(again).to.equal('duplicate');
        expect(await reception.writtenOnce(stream, 1)).to.deep.equal([`${stream} 7`]);
        expect(await reception.kept(stream)).to.have.length(way === 'now' ? 0 : 1);
      });

      it('is a duplicate when it was taken, and the answer was lost', async () => {
        const carriers = await intake({ reached: crash('committed') });
        const failed: unknown = await take(carriers, aParcel(stream, 0n, { id: stream })).catch((error: unknown) => error);

        const again = await take(carriers, aParcel(stream, 0n, { id: stream }));

        expect(failed).to.have.property('message', 'crash at committed');
        expect(again).to.equal('duplicate');
        expect(await reception.writtenOnce(stream, 1)).to.have.length(1);
      });

      for (const moment of way === 'now' ? (['claimed', 'handled'] as const) : (['claimed', 'appended'] as const)) {
        it(`is taken by the next try after a crash at "${moment}"`, async () => {
          const [parcel, carriers] = [aParcel(stream), await intake({ reached: crash(moment), inOrder: true })];
          const failed: unknown = await take(carriers, parcel).catch((error: unknown) => error);
          const left = await reception.written(stream);

          const again = await take(carriers, parcel);

          expect((failed as Error).message).to.include(`crash at ${moment}`);
          expect(left).to.deep.equal([]);
          expect(again).to.equal(first);
          expect(await reception.writtenOnce(stream, 1)).to.have.length(1);
        });
      }

      it('is not taken when nobody waits for the answer any more', async () => {
        const carriers = await intake({ inOrder: true });

        const gone = take(carriers, aParcel(stream), { signal: AbortSignal.abort(new Error('hung up')) });

        expect(await gone.catch((error: unknown) => error)).to.have.property('message', 'hung up');
        expect(await reception.kept(stream)).to.deep.equal([]);
        expect(await reception.written(stream)).to.deep.equal([]);
      });

      describe('in order', () => {
        let carriers: Intake;
        beforeEach(async () => (carriers = await intake({ inOrder: true })));
        const parcel = (revision: bigint, overrides: Partial<ArrivedMessage> = {}): ArrivedMessage =>
          aParcel(stream, revision, { json: { orderId: String(revision), parcels: 1 }, ...overrides });

        it('is taken message after message', async () => {
          for (const message of parcelsOf(stream, 4)) expect(await take(carriers, message)).to.equal(first);

          expect(await reception.writtenOnce(stream, 4)).to.deep.equal([0, 1, 2, 3].map((nth) => `${stream} ${nth}`));
        });

        it('is refused when its predecessor has not arrived, and taken once that has', async () => {
          const [zero, one, two] = parcelsOf(stream, 3);
          await take(carriers, zero!);

          const early = await failureOf('PREDECESSOR_MISSING', () => take(carriers, two!));
          const then = [await take(carriers, one!), await take(carriers, two!)];

          expect(early).to.include({ messageId: two!.id, stream, revision: 2n, previous: 1n, last: 0n });
          expect(then).to.deep.equal([first, first]);
          expect(await reception.writtenOnce(stream, 3)).to.have.length(3);
        });

        it('is refused when it is the first that arrives, and not the first that was sent', async () => {
          const { previous, last } = await failureOf('PREDECESSOR_MISSING', () => take(carriers, parcel(3n, { previous: 2n })));

          expect({ previous, last }).to.deep.equal({ previous: 2n, last: undefined });
          expect(await take(carriers, parcel(3n, { previous: 'none' }))).to.equal(first);
        });

        it('is refused when its sender has forgotten what arrived before', async () => {
          await take(carriers, parcel(0n, { previous: 'none' }));

          const { message } = await failureOf('PREDECESSOR_MISSING', () => take(carriers, parcel(1n, { previous: 'none' })));

          expect(message).to.include('before it comes nothing, as its sender says').and.include('what arrived last is revision 0');
        });

        it('goes on over revisions that its route does not send', async () => {
          await take(carriers, parcel(2n, { previous: 'none' }));

          expect(await take(carriers, parcel(9n, { previous: 2n }))).to.equal(first);
        });

        it('is a duplicate at or below the last revision when it is known, and nothing else is', async () => {
          const [zero, one] = parcelsOf(stream, 2);
          for (const message of [zero!, one!]) await take(carriers, message);

          const other = await failureOf('REVISION_TAKEN', () => take(carriers, { ...zero!, id: randomUUID() }));

          expect([await take(carriers, one!), await take(carriers, zero!)]).to.deep.equal(['duplicate', 'duplicate']);
          expect(other).to.include({ stream, revision: 0n, last: 1n });
          expect(await reception.writtenOnce(stream, 2)).to.have.length(2);
        });

        it('is a duplicate also when more come again at once than the database has connections', async () => {
          const parcels = Array.from({ length: 40 }, (_, nth) => aParcel(`${stream}-${nth}`, 0n, { previous: 'none' }));
          for (const message of parcels) await take(carriers, message);

          const again = await Promise.all(parcels.map((message) => take(carriers, message)));

          expect(new Set(again)).to.deep.equal(new Set(['duplicate']));
        });

        if (way === 'later')
          it('is accepted once for each revision, also when two messages claim it at the same time', async () => {
            for (const revision of [0n, 1n]) {
              const previous = revision === 0n ? 'none' : 0n;
              const both = [parcel(revision, { previous }), parcel(revision, { previous })];

              const taken = await Promise.all(
                both.map((message) => take(carriers, message).catch((error: { code: string }) => error.code)),
              );

              expect(taken.sort()).to.deep.equal(['REVISION_TAKEN', 'accepted']);
            }
          });

        it('begins where it comes first, for a receiver that joins later', async () => {
          const joining = await intake({ inOrder: true, start: 'now' });

          expect(await take(joining, parcel(7n, { previous: 6n }))).to.equal(first);

          await failureOf('PREDECESSOR_MISSING', () => take(joining, parcel(9n, { previous: 8n })));
          await failureOf('REVISION_TAKEN', () => take(joining, parcel(6n, { previous: 5n })));
          expect(await take(joining, parcel(8n, { previous: 7n }))).to.equal(first);
        });

        it('needs only a higher revision where its sender does not tell what came before', async () => {
          expect(await take(carriers, parcel(3n))).to.equal(first);
          expect(await take(carriers, parcel(8n))).to.equal(first);
        });

        it('is refused from a sender that was replaced, and taken from its successor', async () => {
          await take(carriers, parcel(0n, { epoch: 4n }));
          await take(carriers, parcel(1n, { epoch: 5n }));

          const stale = await failureOf('STALE_SENDER', () => take(carriers, parcel(2n, { epoch: 4n })));

          expect(stale).to.include({ epoch: 4n, currentEpoch: 5n });
          expect(await take(carriers, parcel(2n, { epoch: 5n }))).to.equal(first);
        });

        it('knows the new sender also by a duplicate', async () => {
          const id = randomUUID();
          await take(carriers, parcel(0n, { id, epoch: 4n }));

          expect(await take(carriers, parcel(0n, { id, epoch: 5n }))).to.equal('duplicate');

          await failureOf('STALE_SENDER', () => take(carriers, parcel(1n, { epoch: 4n })));
        });

        it('has an order for each source, and for each of its routes', async () => {
          await take(carriers, parcel(5n));

          expect(await take(carriers, parcel(0n, { source: 'https://other.example' }))).to.equal(first);
          const returned = parcel(0n, { route: 'returns', id: randomUUID() });
          expect(await take(carriers, returned)).to.equal(first);
          expect(await take(carriers, returned)).to.equal('duplicate');
        });
      });
    });
  }
});
