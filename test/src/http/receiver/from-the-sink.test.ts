import { createServer } from 'node:http';
import { expect } from 'chai';
import { HttpReceiver, HttpSink } from '@waybill/http';
import type { ContentMode } from '@waybill/http';
import { nodeListener } from '@waybill/http/node';
import { aDeliveryContext, anOutboxMessage } from '@waybill/testing';
import { listening } from './doors.js';
import type { Door } from './doors.js';
import { NotingIntake } from './noting-intake.js';
import { aSecret, SECRET } from './sender.js';

describe('what our sink sends', () => {
  let intake: NotingIntake;
  let door: Door;
  let sink: HttpSink | undefined;

  beforeEach(async () => {
    intake = new NotingIntake();
    const receiver = new HttpReceiver({ intake, secrets: SECRET, modes: ['structured', 'binary', 'batch'], sources: ['/shop'] });
    door = await listening(createServer(nodeListener(receiver)));
  });
  afterEach(async () => {
    await sink?.stop();
    await door.close();
  });

  const sinkOf = (mode: ContentMode, secrets: readonly string[] = [SECRET]): HttpSink =>
    (sink = new HttpSink({
      source: '/shop',
      url: door.url,
      mode,
      secrets,
      idempotent: true,
      metadata: ['tenant'],
      policy: { retry: { most: 0 } },
    }));
  const batchOf = (stream: string): readonly ReturnType<typeof anOutboxMessage>[] =>
    [4n, 5n].map((revision) =>
      anOutboxMessage(stream, revision, {
        kind: 'command',
        schemaVersion: 2,
        payload: '{"größe":1.50}',
        metadata: { correlationId: 'c-7', causationId: 'c-6', tenant: 'Zürich 100 %', secret: 'stays' },
      }),
    );

  for (const mode of ['structured', 'binary', 'batch'] as const) {
    it(`our receiver takes as it was, in ${mode} mode`, async () => {
      const batch = batchOf('order-Ä 7');

      const delivery = await sinkOf(mode).deliver(
        batch,
        aDeliveryContext({ route: 'partners', epoch: 9n, previous: ({ revision }) => (revision === 4n ? undefined : 4n) }),
      );

      expect(delivery).to.deep.include({ accepted: 2 });
      expect(intake.taken).to.deep.equal(
        batch.map(({ id, type, occurredAt, revision }) => ({
          ...{ id, type, occurredAt, revision },
          ...{ source: '/shop', kind: 'command', stream: 'order-Ä 7', schemaVersion: 2, codec: 'json', json: { größe: 1.5 } },
          ...{ route: 'partners', epoch: 9n, previous: revision === 4n ? 'none' : 4n },
          metadata: { correlationId: 'c-7', causationId: 'c-6', tenant: 'Zürich 100 %' },
        })),
      );
    });
  }

  it('with a secret that our receiver does not know is not accepted, and none of it is taken', async () => {
    const { accepted, failure } = await sinkOf('batch', [aSecret()]).deliver(batchOf('order-7'), aDeliveryContext());

    expect([accepted, intake.taken]).to.deep.equal([0, []]);
    expect(failure).to.be.an('error');
  });

  it('is accepted up to the message that our receiver refuses', async () => {
    const batch = batchOf('order-7');
    intake.before = ({ id }) => {
      if (id === batch[1]!.id) throw new Error('no such order');
    };

    const { accepted, failure } = await sinkOf('batch').deliver(batch, aDeliveryContext());

    expect([accepted, failure?.code]).to.deep.equal([1, 'SINK_UNAVAILABLE']);
  });
});
