import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { isWaybillError, silentLogger, SinkUnavailableError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage } from '@waybill/core';
import { after, afterEach, before, describe, it } from 'mocha';
import { anOutboxMessage, messagesOf } from '../builders/an-outbox-message.js';
import { BrokenRuleError, checkedDelivery } from './checked-delivery.js';
import { eventHistoryContract } from './event-history-contract.js';
import type { SinkCapabilities, SinkFixture } from './sink-fixture.js';

/** The suite of `Sink`: prefixes, duplicates, failures and whose trouble they are. */
export function sinkContract(name: string, open: () => Promise<SinkFixture>, capabilities: SinkCapabilities = {}): void {
  const { wholeStreams = false, recognisesDuplicates = wholeStreams, refuses = false, history = false } = capabilities;

  describe(`Sink ${name}`, () => {
    let fixture: SinkFixture;
    before(async () => {
      fixture = await open();
      await fixture.sink.start?.(new AbortController().signal);
    });
    afterEach(() => fixture?.heal());
    after(async () => {
      await fixture?.sink.stop?.();
      await fixture?.close();
    });

    const aStream = (): string => `order-${randomUUID()}`;
    /** Delivers as a lane does: what the sink rejects with is the sink's trouble. */
    async function deliver(batch: readonly OutboxMessage[], overrides: Partial<DeliveryContext> = {}): Promise<Delivery> {
      const context = {
        signal: new AbortController().signal,
        route: 'contract',
        lane: 0,
        order: 'stream' as const,
        epoch: 1n,
        attempt: 1,
        logger: silentLogger,
        ...overrides,
      };
      try {
        return checkedDelivery(await fixture.sink.deliver(batch, context), batch);
      } catch (cause) {
        if (cause instanceof BrokenRuleError) throw cause;
        return { accepted: 0, failure: new SinkUnavailableError(String(cause), { cause }) };
      }
    }
    const stored = async (stream: string): Promise<readonly string[]> => (await fixture.stored(stream)).map(({ id }) => id);
    const firstTimes = async (stream: string): Promise<readonly string[]> => [...new Set(await stored(stream))];

    it('says whether it needs whole streams', () => {
      expect(fixture.sink.needsWholeStreams ?? false).to.equal(wholeStreams);
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

    describe('a target that is away', () => {
      it('is the trouble of the sink and of no message', async () => {
        const stream = aStream();
        await fixture.break();

        const { accepted, failure } = await deliver(messagesOf(stream, 3));

        expect(accepted).to.equal(0);
        expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
      });

      it('takes everything, in order, once it is back', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 6);
        await deliver(batch.slice(0, 2));
        await fixture.break();
        const { accepted } = await deliver(batch.slice(2));

        await fixture.heal();
        await untilAccepted(() => deliver(batch.slice(2 + accepted)));

        expect(await firstTimes(stream)).to.deep.equal(ids(batch));
      });

      it('has kept what the sink called accepted', async () => {
        const stream = aStream();
        const batch = messagesOf(stream, 40);
        const delivering = deliver(batch);
        await fixture.break();
        const { accepted } = await delivering;

        await fixture.heal();

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
        await fixture.break();

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
          await fixture.refuse!(batch[2]!);

          const { accepted, failure } = await deliver(batch);

          expect(accepted).to.equal(2);
          expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: batch[2]!.id, stream, revision: 2n });
          expect(await stored(stream)).to.deep.equal(ids(batch.slice(0, 2)));
        });

        it('is delivered, and all behind it, once it is taken', async () => {
          const stream = aStream();
          const batch = messagesOf(stream, 5);
          await fixture.refuse!(batch[2]!);
          const { accepted } = await deliver(batch);

          await fixture.heal();
          await untilAccepted(() => deliver(batch.slice(accepted)));

          expect(await firstTimes(stream)).to.deep.equal(ids(batch));
        });

        it('lets nothing of its own stream pass in a batch of several', async () => {
          const [bad, good] = [messagesOf(aStream(), 3), messagesOf(aStream(), 3)];
          await fixture.refuse!(bad[1]!);

          await deliver([0, 1, 2].flatMap((nth) => [bad[nth]!, good[nth]!]));

          expect(await stored(bad[0]!.stream)).to.deep.equal(ids(bad.slice(0, 1)));
        });
      });
    }

    if (wholeStreams) {
      describe('a whole stream', () => {
        it('has each message once, at exactly its revision', async () => {
          const stream = aStream();
          const batch = messagesOf(stream, 9);
          await deliver(batch.slice(0, 5));
          await Promise.all([deliver(batch.slice(3)), deliver(batch, { lane: 1 })]);
          await untilAccepted(() => deliver(batch));

          expect(await fixture.stored(stream)).to.deep.equal(batch.map(({ id, revision }) => ({ id, revision })));
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

    // Last of all: after it, the sink is stopped.
    describe('start and stop', () => {
      it('do no harm when they come twice', async () => {
        const batch = messagesOf(aStream(), 2);

        await fixture.sink.start?.(new AbortController().signal);
        expect(await deliver(batch)).to.include({ accepted: 2 });
        await fixture.sink.stop?.();
        await fixture.sink.stop?.();
      });
    });
  });

  if (history) {
    eventHistoryContract(`${name} (its history)`, async () => {
      const { sink, history: reader, close } = await open();
      await sink.start?.(new AbortController().signal);
      return {
        history: reader!,
        store: async (messages) => {
          const context = {
            signal: new AbortController().signal,
            route: 'contract',
            lane: 0,
            order: 'stream' as const,
            epoch: 1n,
            attempt: 1,
            logger: silentLogger,
          };
          const { failure } = await sink.deliver(messages, context);
          if (failure) throw failure;
        },
        close: async () => {
          await sink.stop?.();
          await close();
        },
      };
    });
  }
}

const TRIES = 50;

/** Delivers again until the sink has found its target again; a message's own fault ends it. */
async function untilAccepted(attempt: () => Promise<Delivery>): Promise<void> {
  for (let tries = 1; ; tries++) {
    const { failure } = await attempt();
    if (!failure) return;
    if (tries === TRIES || !isWaybillError(failure, 'SINK_UNAVAILABLE')) throw failure;
    await new Promise((resolve) => setTimeout(resolve, tries));
  }
}

const ids = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ id }) => id);
