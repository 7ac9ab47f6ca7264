import type { CompetingMessage } from './competing-message.js';
import type { Consumer } from './consumer.js';

/** Chooses who gets the next message. Knows the group's consumers. */
export interface ConsumerStrategy {
  readonly consumers: readonly Consumer[];
  add(consumer: Consumer): void;
  remove(consumer: Consumer): void;
  /** @returns a consumer with a free slot; `skip` when only this message must wait, `full` when all must */
  choose(message: CompetingMessage): Consumer | 'skip' | 'full';
}
