import { expect } from 'chai';
import type { OutboxMessage } from '@waybill/core';
import { describe, it } from 'mocha';
import { anOutboxMessage, messagesOf } from '../builders/an-outbox-message.js';
import { untilAccepted } from './delivering.js';
import type { SinkFixture } from './sink-fixture.js';
import { sinkUnderTest } from './sink-under-test.js';

/** The suite of sinks that need whole streams. */
export function wholeStreamsContract(name: string, open: () => Promise<SinkFixture>): void {
  describe(`Sink ${name}: a whole stream`, () => {
    const underTest = sinkUnderTest(open);
    const { aStream, deliver, stored } = underTest;

    it('has each message once, at exactly its revision', async () => {
      const stream = aStream();
      const batch = messagesOf(stream, 9);
      await deliver(batch.slice(0, 5));
      await Promise.all([deliver(batch.slice(3)), deliver(batch, { lane: 1 })]);
      await untilAccepted(() => deliver(batch));

      expect(await underTest.fixture.stored(stream)).to.deep.equal(batch.map(({ id, revision }) => ({ id, revision })));
    });

    it('takes no message whose predecessor it lacks', async () => {
      const stream = aStream();

      const { accepted, failure } = await deliver(messagesOf(stream, 2, 5n));

      expect(accepted).to.equal(0);
      expect(failure).to.have.property('code', 'MESSAGE_REJECTED');
      expect(await stored(stream)).to.deep.equal([]);
    });

    it('takes no other message at a revision that it has', async () => {
      const stream = aStream();
      const batch = messagesOf(stream, 3);
      await deliver(batch);

      const { accepted, failure } = await deliver([anOutboxMessage(stream, 1n)]);

      expect(accepted).to.equal(0);
      expect(failure).to.have.property('code', 'MESSAGE_REJECTED');
      expect(await stored(stream)).to.deep.equal(ids(batch));
    });
  });
}

const ids = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ id }) => id);
