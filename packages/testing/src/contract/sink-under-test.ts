import { randomUUID } from 'node:crypto';
import type { Delivery, DeliveryContext, OutboxMessage } from '@waybill/core';
import { after, afterEach, before } from 'mocha';
import { deliverTo } from './delivering.js';
import type { SinkFixture } from './sink-fixture.js';

/** What the suites of a sink do with it. */
export interface SinkUnderTest {
  /** Open while tests run. */
  readonly fixture: SinkFixture;
  aStream(): string;
  deliver(batch: readonly OutboxMessage[], overrides?: Partial<DeliveryContext>): Promise<Delivery>;
  /** Ids of what the target has of a stream, as it has them. */
  stored(stream: string): Promise<readonly string[]>;
  /** The same without repetitions. */
  firstTimes(stream: string): Promise<readonly string[]>;
}

/** Call it in the `describe`: opens and starts the sink before its tests, heals the target after each, stops and closes at the end. */
export function sinkUnderTest(open: () => Promise<SinkFixture>): SinkUnderTest {
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

  const stored = async (stream: string): Promise<readonly string[]> => (await fixture.stored(stream)).map(({ id }) => id);
  return {
    get fixture() {
      return fixture;
    },
    aStream: () => `order-${randomUUID()}`,
    deliver: (batch, overrides) => deliverTo(fixture.sink, batch, overrides),
    stored,
    firstTimes: async (stream) => [...new Set(await stored(stream))],
  };
}
