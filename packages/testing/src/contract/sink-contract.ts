import { expect } from 'chai';
import type { OutboxMessage } from '@waybill/core';
import { describe, it } from 'mocha';
import { messagesOf } from '../builders/an-outbox-message.js';
import { sinkFailuresContract } from './sink-failures-contract.js';
import type { SinkCapabilities, SinkFixture } from './sink-fixture.js';
import { sinkUnderTest } from './sink-under-test.js';
import { sinkHistoryContract } from './sink-history-contract.js';
import { wholeStreamsContract } from './whole-streams-contract.js';

/** The suite of `Sink`: prefixes, duplicates, failures and whose trouble they are; whole streams and a history where they are declared. */
export function sinkContract(name: string, open: () => Promise<SinkFixture>, capabilities: SinkCapabilities = {}): void {
  const { wholeStreams = false, recognisesDuplicates = wholeStreams, history = false } = capabilities;

  describe(`Sink ${name}`, () => {
    const underTest = sinkUnderTest(open);
    const { aStream, deliver, stored, firstTimes } = underTest;

    it('says whether it needs whole streams', () => {
      expect(underTest.fixture.sink.needsWholeStreams ?? false).to.equal(wholeStreams);
    });

    describe('a delivery', () => {
      it('accepts a batch, and its target keeps it in order', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 5);

        expect(await deliver(batch)).to.include({ accepted: 5 });
        expect(await stored(stream)).to.deep.equal(ids(batch));
      });

      it('goes on with the next batch', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 7);

        await deliver(batch.slice(0, 3));
        await deliver(batch.slice(3, 4));
        await deliver(batch.slice(4));

        expect(await stored(stream)).to.deep.equal(ids(batch));
      });

      it('keeps the order of each stream when a batch holds many', async () => {
        const streams = Array.from({ length: 12 }, () => messagesOf(aStream(), 20));
        const batch = Array.from({ length: 20 }, (_, nth) => streams.map((messages) => messages[nth]!)).flat();

        expect(await deliver(batch)).to.include({ accepted: 240 });
        for (const messages of streams) expect(await stored(messages[0]!.stream)).to.deep.equal(ids(messages));
      });

      it('works for several lanes side by side', async () => {
        const lanes = Array.from({ length: 6 }, () => messagesOf(aStream(), 30));

        await Promise.all(
          lanes.map(async (messages, lane) => {
            for (let at = 0; at < 30; at += 10) expect(await deliver(messages.slice(at, at + 10), { lane })).to.include({ accepted: 10 });
          }),
        );

        for (const messages of lanes) expect(await stored(messages[0]!.stream)).to.deep.equal(ids(messages));
      });

      it('of no message accepts nothing and fails with nothing', async () => {
        const { accepted, failure } = await deliver([]);

        expect([accepted, failure]).to.deep.equal([0, undefined]);
      });
    });

    describe('messages that come again after a crash', () => {
      it('are accepted, and the order of first acceptance stays', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 4);

        await deliver(batch);
        const again = await deliver(batch);

        expect(again).to.include({ accepted: 4 });
        expect(await firstTimes(stream)).to.deep.equal(ids(batch));
      });

      it('are accepted together with those that follow', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 6);
        await deliver(batch.slice(0, 3));

        const longer = await deliver(batch);
        const overlapping = await deliver(batch.slice(2, 4));

        expect([longer.accepted, overlapping.accepted]).to.deep.equal([6, 2]);
        expect(await firstTimes(stream)).to.deep.equal(ids(batch));
      });

      if (recognisesDuplicates) {
        it('are kept once', async () => {
          const stream = aStream();
          const batch = messagesOf(stream, 4);

          await Promise.all([deliver(batch), deliver(batch, { lane: 1 })]);
          await deliver(batch);

          expect(await stored(stream)).to.deep.equal(ids(batch));
        });
      }
    });

    // Last of all: after it, the sink is stopped.
    describe('start and stop', () => {
      it('do no harm when they come twice', async () => {
        const batch = messagesOf(aStream(), 2);

        await underTest.fixture.sink.start?.(new AbortController().signal);
        expect(await deliver(batch)).to.include({ accepted: 2 });
        await underTest.fixture.sink.stop?.();
        await underTest.fixture.sink.stop?.();
      });
    });
  });
  sinkFailuresContract(name, open, capabilities);
  if (wholeStreams) wholeStreamsContract(name, open);
  if (history) sinkHistoryContract(name, open);
}

const ids = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ id }) => id);
