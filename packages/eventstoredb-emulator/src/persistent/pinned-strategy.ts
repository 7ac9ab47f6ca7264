import type { CompetingMessage } from './competing-message.js';
import type { Consumer } from './consumer.js';
import type { ConsumerStrategy } from './consumer-strategy.js';

const BUCKETS = 1024;

/**
 * Messages of one stream go to one consumer, as long as the same consumers are there: streams fall into buckets, and each bucket belongs to
 * whoever got its first message. A consumer that comes later takes over the buckets that are too many for the others.
 */
export class PinnedStrategy implements ConsumerStrategy {
  readonly consumers: Consumer[] = [];
  readonly #owners = new Map<number, Consumer>();

  /** @param pinnedTo - what messages that belong together have in common */
  constructor(private readonly pinnedTo: (message: CompetingMessage) => string) {}

  add(consumer: Consumer): void {
    this.consumers.push(consumer);
    const fairShare = Math.ceil(this.#owners.size / this.consumers.length);
    for (const owner of this.consumers) this.#giveUpBucketsBeyond(fairShare, owner);
  }

  remove(consumer: Consumer): void {
    this.consumers.splice(this.consumers.indexOf(consumer), 1);
    this.#giveUpBucketsBeyond(0, consumer);
  }

  choose(message: CompetingMessage): Consumer | 'skip' | 'full' {
    const free = this.consumers.filter(({ freeSlots }) => freeSlots > 0);
    if (free.length === 0) return 'full';

    const bucket = bucketOf(this.pinnedTo(message));
    const owner = this.#owners.get(bucket);
    if (owner) return owner.freeSlots > 0 ? owner : 'skip';
    const idlest = free.reduce((best, consumer) => (this.#bucketsOf(consumer).length < this.#bucketsOf(best).length ? consumer : best));
    this.#owners.set(bucket, idlest);
    return idlest;
  }

  #giveUpBucketsBeyond(count: number, owner: Consumer): void {
    for (const bucket of this.#bucketsOf(owner).slice(count)) this.#owners.delete(bucket);
  }

  #bucketsOf(consumer: Consumer): number[] {
    return [...this.#owners].filter(([, owner]) => owner === consumer).map(([bucket]) => bucket);
  }
}

function bucketOf(text: string): number {
  let hash = 0;
  for (const character of text) hash = (Math.imul(hash, 31) + character.codePointAt(0)!) | 0;
  return (hash >>> 0) % BUCKETS;
}
