import type { Consumer } from './consumer.js';
import type { ConsumerStrategy } from './consumer-strategy.js';

/** Consumers in a queue: the first with a free slot gets the message, and goes to the back after each or only when it is full. */
export class QueueStrategy implements ConsumerStrategy {
  readonly consumers: Consumer[] = [];

  constructor(private readonly options: { readonly rotatesAfterEach: boolean }) {}

  add(consumer: Consumer): void {
    this.consumers.push(consumer);
  }

  remove(consumer: Consumer): void {
    const index = this.consumers.indexOf(consumer);
    if (index >= 0) this.consumers.splice(index, 1);
  }

  choose(): Consumer | 'full' {
    for (let tried = 0; tried < this.consumers.length; tried += 1) {
      const first = this.consumers[0]!;
      const isFree = first.freeSlots > 0;
      if (!isFree || this.options.rotatesAfterEach) this.consumers.push(this.consumers.shift()!);
      if (isFree) return first;
    }
    return 'full';
  }
}
