import { expect } from 'chai';
import type { OutboxMessage } from '@waybill/core';
import { describe, it } from 'mocha';
import { messagesOf } from '../builders/an-outbox-message.js';
import { untilAccepted } from './delivering.js';
import type { SinkCapabilities, SinkFixture } from './sink-fixture.js';
import { sinkUnderTest } from './sink-under-test.js';

/** The suite of sinks whose target is away, refuses a message, or whose caller has no more time. */
export function sinkFailuresContract(
  name: string,
  open: () => Promise<SinkFixture>,
  { refuses = false }: Pick<SinkCapabilities, 'refuses'> = {},
): void {
  describe(`Sink ${name}: failures`, () => {
    const underTest = sinkUnderTest(open);
    const { aStream, deliver, stored, firstTimes } = underTest;

    describe('a target that is away', () => {
      it('is the trouble of the sink and of no message', async () => {
        const stream = aStream();
        await underTest.fixture.break();

        const { accepted, failure } = await deliver(messagesOf(stream, 3));

        expect(accepted).to.equal(0);
        expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
      });

      it('takes everything, in order, once it is back', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 6);
        await deliver(batch.slice(0, 2));
        await underTest.fixture.break();
        const { accepted } = await deliver(batch.slice(2));

        await underTest.fixture.heal();
        await untilAccepted(() => deliver(batch.slice(2 + accepted)));

        expect(await firstTimes(stream)).to.deep.equal(ids(batch));
      });

      it('has kept what the sink called accepted', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 40);
        const delivering = deliver(batch);
        await underTest.fixture.break();
        const { accepted } = await delivering;

        await underTest.fixture.heal();

        expect((await firstTimes(stream)).slice(0, accepted)).to.deep.equal(ids(batch.slice(0, accepted)));
      });
    });

    describe('an aborted signal', () => {
      it('ends a delivery soon, and what it called accepted is kept', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 10);

        const { accepted } = await deliver(batch, { signal: AbortSignal.abort() });

        expect((await firstTimes(stream)).slice(0, accepted)).to.deep.equal(ids(batch.slice(0, accepted)));
      });

      it('ends a delivery to a target that is away', async () => {
        const abort = new AbortController();
        await underTest.fixture.break();

        const delivering = deliver(messagesOf(aStream(), 3), { signal: abort.signal });
        abort.abort();

        expect(await delivering).to.include({ accepted: 0 });
      });

      it('leaves the sink as usable as before', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 3);
        await deliver(batch, { signal: AbortSignal.abort() });

        await untilAccepted(() => deliver(batch));

        expect(await firstTimes(stream)).to.deep.equal(ids(batch));
      });
    });

    if (refuses) {
      describe('a message that is refused', () => {
        it('stops its stream there, and is named', async () => {
          const stream = aStream();
          const batch = messagesOf(stream, 5);
          await underTest.fixture.refuse!(batch[2]!);

          const { accepted, failure } = await deliver(batch);

          expect(accepted).to.equal(2);
          expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: batch[2]!.id, stream, revision: 2n });
          expect(await stored(stream)).to.deep.equal(ids(batch.slice(0, 2)));
        });

        it('is delivered, and all behind it, once it is taken', async () => {
          const stream = aStream();
          const batch = messagesOf(stream, 5);
          await underTest.fixture.refuse!(batch[2]!);
          const { accepted } = await deliver(batch);

          await underTest.fixture.heal();
          await untilAccepted(() => deliver(batch.slice(accepted)));

          expect(await firstTimes(stream)).to.deep.equal(ids(batch));
        });

        it('lets nothing of its own stream pass in a batch of several', async () => {
          const [bad, good] = [messagesOf(aStream(), 3), messagesOf(aStream(), 3)];
          await underTest.fixture.refuse!(bad[1]!);

          await deliver([0, 1, 2].flatMap((nth) => [bad[nth]!, good[nth]!]));

          expect(await stored(bad[0]!.stream)).to.deep.equal(ids(bad.slice(0, 1)));
        });
      });
    }
  });
}

const ids = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ id }) => id);
