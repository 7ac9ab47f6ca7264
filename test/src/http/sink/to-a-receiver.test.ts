import { createServer } from 'node:http';
import { expect } from 'chai';
import { defineEvent, InboxHandler, InboxHandlers, PredecessorMissingError, UnitOfWork } from '@waybill/core';
import type { EventOf, Intake, Message, OutboxMessage } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { HttpReceiver } from '@waybill/http';
import type { HttpReceiverOptions } from '@waybill/http';
import { nodeListener } from '@waybill/http/node';
import { anOutboxMessage, messagesOf } from '@waybill/testing';
import { afterEach } from 'mocha';
import { z } from 'zod';
import { listening } from '../receiver/doors.js';
import type { Door } from '../receiver/doors.js';
import { NotingIntake } from '../receiver/noting-intake.js';
import { aSink, closeEverything, deliver, OTHER_SECRET, SECRET } from './sinks.js';

const Noted = defineEvent('Noted', z.object({ n: z.number() }));
type Noted = EventOf<typeof Noted>;

class Notes {
  readonly taken: number[] = [];

  @InboxHandler(Noted, { name: 'note' })
  async onNoted({ data }: Message<Noted>): Promise<void> {
    this.taken.push(data.n);
  }
}

describe('an HTTP sink and a receiver', () => {
  closeEverything();

  const doors: Door[] = [];
  afterEach(async () => {
    for (const door of doors.splice(0)) await door.close();
  });
  const receiverOf = async (intake: Intake, options: Partial<HttpReceiverOptions> = {}): Promise<string> => {
    const receiver = new HttpReceiver({ intake, secrets: SECRET, modes: ['structured', 'binary', 'batch'], ...options });
    const door = await listening(createServer(nodeListener(receiver)));
    doors.push(door);
    return door.url;
  };
  const noted = (count: number): readonly OutboxMessage[] =>
    Array.from({ length: count }, (_, n) => anOutboxMessage('order-7', BigInt(n), { type: 'Noted', payload: JSON.stringify({ n }) }));

  for (const mode of ['structured', 'binary', 'batch'] as const) {
    it(`agree on every part of a message in ${mode} mode`, async () => {
      const intake = new NotingIntake();
      const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
      const message = anOutboxMessage('bestellung-ü 100% 🚚', 7n, {
        ...{ kind: 'command', type: 'Ausführen', schemaVersion: 3, codec: 'superjson', payload: '{"json":{"a":"ü"}}' },
        metadata: { correlationId: 'c 1', causationId: 'm"0"', traceparent, tenant: 'acme' },
      });

      const sink = aSink({ url: await receiverOf(intake), mode, secrets: SECRET, metadata: ['tenant'] });
      const { accepted } = await deliver(sink, [message], { route: 'hooks é', epoch: 5n, previous: () => 4n });

      const { id, kind, type, stream, revision, occurredAt, schemaVersion, codec, metadata } = message;
      expect(accepted).to.equal(1);
      expect(intake.taken[0]).to.deep.include({ id, kind, type, stream, revision, occurredAt, schemaVersion, codec });
      expect(intake.taken[0]).to.deep.include({ source: '/shop', route: 'hooks é', epoch: 5n, previous: 4n, json: { json: { a: 'ü' } } });
      expect(intake.taken[0]!.metadata).to.include(metadata);
    });

    it(`stop together at a message that cannot be taken in ${mode} mode, and go on when it can`, async () => {
      const intake = new NotingIntake();
      const batch = messagesOf('order-7', 5);
      intake.before = ({ id, stream, revision }) => {
        if (id === batch[2]!.id) throw new PredecessorMissingError(id, stream, revision, 1n, undefined);
      };
      const sink = aSink({ url: await receiverOf(intake), mode, secrets: SECRET });

      const { accepted, failure } = await deliver(sink, batch);
      expect(accepted).to.equal(2);
      expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: batch[2]!.id });

      intake.before = () => {};
      expect(await deliver(sink, batch.slice(accepted))).to.include({ accepted: 3 });
      expect(intake.ids).to.deep.equal(batch.map(({ id }) => id));
    });
  }

  it('change their secret while messages are under way', async () => {
    const intake = new NotingIntake();
    const url = await receiverOf(intake, { secrets: OTHER_SECRET });

    const before = await deliver(aSink({ url, secrets: SECRET }), messagesOf('order-7', 1));
    const both = await deliver(aSink({ url, secrets: [SECRET, OTHER_SECRET] }), messagesOf('order-7', 1));

    expect(before.failure).to.include({ code: 'MESSAGE_REJECTED', final: false });
    expect(both).to.include({ accepted: 1 });
  });

  it('make a pipe in which nothing is missing, and nothing comes from a sender that was replaced', async () => {
    const database = new InMemoryDatabase();
    const notes = new Notes();
    const unitOfWork = new UnitOfWork({ database, catalogue: [] });
    const intake = new InboxHandlers({ name: 'partner', database, unitOfWork, handlers: [notes], inOrder: true });
    const sink = aSink({ url: await receiverOf(intake), secrets: SECRET });
    const [first, second, third] = noted(3);
    const send = async (message: OutboxMessage, previous: bigint | undefined, epoch: bigint): Promise<string> => {
      const { failure } = await deliver(sink, [message], { epoch, previous: () => previous });
      return failure ? (/urn:waybill:problem:[a-z-]+/.exec(failure.message)?.[0] ?? failure.message) : 'accepted';
    };

    expect(await send(second!, 0n, 2n)).to.equal('urn:waybill:problem:predecessor-missing');
    expect(await send(first!, undefined, 2n)).to.equal('accepted');
    expect(await send(second!, 0n, 3n)).to.equal('accepted');
    expect(await send(third!, 1n, 2n)).to.equal('urn:waybill:problem:stale-sender');
    expect(await send(second!, 0n, 3n)).to.equal('accepted');
    expect(await send(third!, 1n, 3n)).to.equal('accepted');
    expect(notes.taken).to.deep.equal([0, 1, 2]);
  });
});
