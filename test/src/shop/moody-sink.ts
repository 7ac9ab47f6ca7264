import { MessageRejectedError, SinkUnavailableError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import type { InMemorySinkOptions } from '@waybill/core/in-memory';

/** What it does with a message: `refuse-for-good` says that trying again cannot help, `away` that it is not the message's fault. */
export type Mood = 'accept' | 'refuse' | 'refuse-for-good' | 'away';

/** A sink that a test can spoil, message by message, and that remembers how it was called. */
export class MoodySink implements Sink {
  readonly kept: InMemorySink;
  readonly needsWholeStreams: boolean;
  /** Every call: the places of its messages. */
  readonly calls: (readonly string[])[] = [];
  /** The most calls that were under way side by side. */
  mostSideBySide = 0;
  #atOnce = 0;
  #mood: (message: OutboxMessage, context: DeliveryContext) => Mood = () => 'accept';

  constructor(options: InMemorySinkOptions = {}) {
    this.kept = new InMemorySink(options);
    this.needsWholeStreams = this.kept.needsWholeStreams;
  }

  /** What was accepted, duplicates too, in the order it came. */
  get accepted(): readonly string[] {
    return this.kept.delivered.map(placeOf);
  }

  /** What was accepted of one order, in the order it came. */
  revisionsOf(id: string): readonly bigint[] {
    return this.kept.delivered.filter(({ stream }) => stream === `order-${id}`).map(({ revision }) => revision);
  }

  /** From now on. */
  feel(mood: (message: OutboxMessage, context: DeliveryContext) => Mood): void {
    this.#mood = mood;
  }

  async deliver(batch: readonly OutboxMessage[], context: DeliveryContext): Promise<Delivery> {
    this.calls.push(batch.map(placeOf));
    this.mostSideBySide = Math.max(this.mostSideBySide, ++this.#atOnce);
    await new Promise((resolve) => setImmediate(resolve)); // others get a chance to call it, too
    this.#atOnce--;
    for (const [accepted, message] of batch.entries()) {
      const failure = failureAt(message, this.#mood(message, context));
      if (failure) return { accepted, failure };
      const { failure: refused } = await this.kept.deliver([message]);
      if (refused) return { accepted, failure: refused };
    }
    return { accepted: batch.length };
  }
}

export const placeOf = ({ stream, revision }: Pick<OutboxMessage, 'stream' | 'revision'>): string =>
  `${stream.replace('order-', '')}@${revision}`;

/** Messages with such a note, or all that say so. */
export const says =
  (text: string) =>
  ({ data }: OutboxMessage): boolean =>
    (data as { readonly text?: string }).text === text;

function failureAt({ id, stream, revision }: OutboxMessage, mood: Mood): MessageRejectedError | SinkUnavailableError | undefined {
  if (mood === 'away') return new SinkUnavailableError('there is nobody');
  if (mood === 'accept') return undefined;
  return new MessageRejectedError(id, stream, revision, 'it is bad', { final: mood === 'refuse-for-good' });
}
