import { v4 as randomUuid } from 'uuid';
import type { Witness } from '../dispatcher/witness/witness.js';
import type { Mark, OutboxIdentity } from '../outbox/outbox-identity.js';

export class InMemoryIdentity implements OutboxIdentity {
  #mark = newMark();

  mark(): Promise<Mark> {
    return Promise.resolve(this.#mark);
  }

  advance(from: Mark, to: Mark): Promise<boolean> {
    if (!sameMark(from, this.#mark)) return Promise.resolve(false);
    this.#mark = to;
    return Promise.resolve(true);
  }

  /** @returns the id until now, and from now on */
  adopt(): { readonly previousId: string; readonly outboxId: string } {
    const { outboxId: previousId } = this.#mark;
    this.#mark = newMark();
    return { previousId, outboxId: this.#mark.outboxId };
  }
}

/** A witness for tests: it lasts as long as the object. */
export class InMemoryWitness implements Witness {
  readonly #last = new Map<string, Mark>();

  last(outboxId: string): Promise<Mark | undefined> {
    return Promise.resolve(this.#last.get(outboxId));
  }

  record(mark: Mark): Promise<boolean> {
    const last = this.#last.get(mark.outboxId);
    if (last && sameMark(last, mark)) return Promise.resolve(true);
    if (mark.number !== (last?.number ?? -1n) + 1n) return Promise.resolve(false);
    this.#last.set(mark.outboxId, mark);
    return Promise.resolve(true);
  }
}

const newMark = (): Mark => ({ outboxId: randomUuid(), number: 0n, nonce: randomUuid() });

const sameMark = (one: Mark, other: Mark): boolean =>
  one.outboxId === other.outboxId && one.number === other.number && one.nonce === other.nonce;
