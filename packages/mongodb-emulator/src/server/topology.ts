import { Long, ObjectId } from 'bson';
import type { Document } from 'bson';

/**
 * What this server is at the moment: the one member of a replica set, primary or stepped down, or a stand-alone server.
 *
 * Each change raises the counter of the topology version, which is how monitors learn of it at once. Each time it becomes primary it is
 * elected anew, with a larger election id.
 */
export class Topology {
  readonly replicaSetId = new ObjectId();
  #processId = new ObjectId();
  #counter = 6; // a mongod that has just become primary has changed six times
  #term = 1;
  #primary = true;
  readonly #watchers = new Set<() => void>();

  constructor(
    /** Undefined for a stand-alone server. */
    readonly replicaSet: string | undefined,
  ) {}

  get isPrimary(): boolean {
    return this.#primary;
  }

  get term(): number {
    return this.#term;
  }

  get electionId(): ObjectId {
    return new ObjectId(`7fffffff${this.#term.toString(16).padStart(16, '0')}`);
  }

  get version(): Document {
    return { processId: this.#processId, counter: Long.fromNumber(this.#counter) };
  }

  /** Is this the version that holds now? */
  isCurrent({ processId, counter }: Document): boolean {
    return this.#processId.equals(processId as ObjectId) && Number(counter) === this.#counter;
  }

  stepDown(): void {
    this.#primary = false;
    this.#changed();
  }

  becomePrimary(): void {
    if (this.#primary) return;
    this.#primary = true;
    this.#term += 1;
    this.#changed();
  }

  /** A new process takes over: it is elected, and its versions have nothing to do with those of the old one. */
  startAgain(): void {
    this.#processId = new ObjectId();
    this.#primary = true;
    this.#term += 1;
    this.#changed();
  }

  /** Resolves at the next change, when the signal aborts or after `ms`. Never rejects. */
  change(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#watchers.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.#watchers.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  #changed(): void {
    this.#counter += 1;
    for (const done of [...this.#watchers]) done();
  }
}
