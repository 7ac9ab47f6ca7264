import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { EventHistory, OutboxMessage, ReadHistoryOptions, RecordedMessage } from '@waybill/core';
import { after, before, describe, it } from 'mocha';
import { anOutboxMessage, messagesOf } from '../builders/an-outbox-message.js';

/** What {@link eventHistoryContract} needs: a history, and a way for messages to get into it. */
export interface EventHistoryFixture {
  readonly history: EventHistory;
  /** Stores these messages, as the history's sink would. */
  store(messages: readonly OutboxMessage[]): Promise<void>;
  /** Appends to a stream as another program would. Needed where `foreignWriters` is declared. */
  storeForeign?(stream: string, event: { readonly type: string; readonly data: unknown }): Promise<void>;
  close(): Promise<void>;
}

export interface EventHistoryCapabilities {
  /** Can the fixture append as another program would? Default false: such events are then not tested. */
  readonly foreignWriters?: boolean;
}

/** The suite of `EventHistory`: a stream's messages by revision, as they were committed. */
export function eventHistoryContract(
  name: string,
  open: () => Promise<EventHistoryFixture>,
  { foreignWriters = false }: EventHistoryCapabilities = {},
): void {
  describe(`EventHistory of ${name}`, () => {
    let fixture: EventHistoryFixture;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());

    const aStream = (): string => `order-${randomUUID()}`;
    async function read(stream: string, options: Partial<ReadHistoryOptions> = {}): Promise<readonly RecordedMessage[]> {
      const messages: RecordedMessage[] = [];
      for await (const message of fixture.history.read(stream, { from: 0n, ...options })) messages.push(message);
      return messages;
    }
    const revisions = (messages: readonly RecordedMessage[]): readonly bigint[] => messages.map(({ revision }) => revision);

    it('reads nothing where there is no such stream', async () => {
      expect(await read(aStream())).to.deep.equal([]);
      expect(await read(aStream(), { from: 7n, leader: true })).to.deep.equal([]);
    });

    it('reads the messages of one stream by revision', async () => {
      const [stream, other] = [aStream(), aStream()];
      await fixture.store(messagesOf(stream, 3));
      await fixture.store(messagesOf(other, 2));
      await fixture.store(messagesOf(stream, 2, 3n));

      const messages = await read(stream);

      expect(revisions(messages)).to.deep.equal([0n, 1n, 2n, 3n, 4n]);
      expect(new Set(messages.map((message) => message.stream))).to.deep.equal(new Set([stream]));
    });

    it('reads from the asked revision on', async () => {
      const stream = aStream();
      await fixture.store(messagesOf(stream, 4));

      expect(revisions(await read(stream, { from: 2n }))).to.deep.equal([2n, 3n]);
      expect(revisions(await read(stream, { from: 4n }))).to.deep.equal([]);
      expect(revisions(await read(stream, { from: 400n }))).to.deep.equal([]);
    });

    it('gives back a message as it was committed', async () => {
      const stream = aStream();
      const occurredAt = new Date('1999-12-31T23:59:59.999Z');
      const metadata = { correlationId: 'c-1', causationId: 'c-0', traceparent: '00-1-2-01', tenant: 'ü' };
      const message = anOutboxMessage(stream, 0n, {
        type: 'OrderPlaced',
        schemaVersion: 3,
        codec: 'superjson',
        payload: '{"json":{"a":[1,"ü"]}}',
        occurredAt,
        metadata,
      });
      await fixture.store([message]);

      const [recorded] = await read(stream);

      expect(recorded).to.deep.include({
        ...{ id: message.id, kind: 'event', type: 'OrderPlaced', stream, revision: 0n, schemaVersion: 3, codec: 'superjson' },
        ...{ occurredAt, metadata, json: { json: { a: [1, 'ü'] } } },
      });
    });

    it('reads streams of any length', async () => {
      const stream = aStream();
      for (let from = 0; from < 1_500; from += 250) await fixture.store(messagesOf(stream, 250, BigInt(from)));

      const messages = await read(stream);

      expect(revisions(messages)).to.deep.equal(Array.from({ length: 1_500 }, (_, nth) => BigInt(nth)));
    });

    it('reads from the leader all that was stored', async () => {
      const stream = aStream();
      await fixture.store(messagesOf(stream, 3));

      expect(revisions(await read(stream, { leader: true }))).to.deep.equal([0n, 1n, 2n]);
    });

    it('may be left at any message, and read again', async () => {
      const stream = aStream();
      await fixture.store(messagesOf(stream, 20));
      for await (const { revision } of fixture.history.read(stream, { from: 0n })) if (revision === 3n) break;

      expect(await read(stream)).to.have.length(20);
    });

    it('ends when the signal aborts', async () => {
      const stream = aStream();
      await fixture.store(messagesOf(stream, 20));
      const abort = new AbortController();
      const seen: bigint[] = [];

      const reading = (async () => {
        for await (const { revision } of fixture.history.read(stream, { from: 0n, signal: abort.signal })) {
          seen.push(revision);
          abort.abort();
        }
      })();
      await Promise.allSettled([reading]);

      expect(seen).to.deep.equal([...seen.keys()].map(BigInt));
      expect(await read(stream)).to.have.length(20);
    });

    if (foreignWriters) {
      it('reads what other programs wrote: schema version 1, codec json', async () => {
        const stream = aStream();
        await fixture.store(messagesOf(stream, 1));
        await fixture.storeForeign!(stream, { type: 'Legacy', data: { a: 1 } });

        const [, foreign] = await read(stream);

        expect(foreign).to.deep.include({
          type: 'Legacy',
          kind: 'event',
          stream,
          revision: 1n,
          schemaVersion: 1,
          codec: 'json',
          json: { a: 1 },
        });
        expect(foreign!.id).to.match(/^[0-9a-f-]{36}$/);
        expect(foreign!.metadata.correlationId).to.be.a('string');
      });
    }
  });
}
