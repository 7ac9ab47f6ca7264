import type { AggregateRoot } from '../aggregate/aggregate-root.js';
import type { AggregateRepository } from '../aggregate/aggregate-repository.js';
import { AggregateNotFoundError, InvalidAppendError, ScopeClosedError } from '../errors.js';
import type { DomainEvent } from '../message/domain-event.js';
import { checkAggregateStream } from '../message/stream-name.js';

/** What work inside one transaction may do; the same in `run`, `join` and every handler. Bound, made to be destructured. */
export interface Scope<out Tx = unknown> {
  /** The database's transaction handle. Neutral code takes `Scope` and never looks at it. */
  readonly tx: Tx;
  /**
   * Loads an aggregate and commits what it emits. Twice the same id gives the same object.
   *
   * @throws {@link AggregateNotFoundError}, {@link StreamGapError}, {@link StreamDivergedError}
   */
  readonly load: <Aggregate extends AggregateRoot, Id extends readonly unknown[]>(
    type: new (...id: Id) => Aggregate,
    ...id: Id
  ) => Promise<Aggregate>;
  /** Like `load`, but `undefined` for a stream that does not exist. */
  readonly find: <Aggregate extends AggregateRoot, Id extends readonly unknown[]>(
    type: new (...id: Id) => Aggregate,
    ...id: Id
  ) => Promise<Aggregate | undefined>;
  /**
   * Commits a new aggregate's events with this transaction; its stream must not exist yet. Only the outbox is asked: for a
   * stream that EventStoreDB may have already, use `find`, which adopts it.
   */
  readonly track: <Aggregate extends AggregateRoot>(aggregate: Aggregate) => Aggregate;
  /**
   * Sends messages that are no aggregate's events. Those with one ordering key are delivered in order: events in the stream
   * `key-<orderingKey>`, commands in `command-<orderingKey>`, each at the stream's next revision.
   */
  readonly append: (orderingKey: string, messages: DomainEvent | readonly DomainEvent[], options?: AppendOptions) => void;
}

export interface AppendOptions {
  /** Commit only if the ordering key's stream is at this revision. Default: whatever comes next. */
  readonly expectedRevision?: bigint | 'no-stream';
  /** Added to the metadata of these messages. */
  readonly metadata?: Readonly<Record<string, string>>;
}

export interface SentMessages extends AppendOptions {
  readonly orderingKey: string;
  readonly messages: readonly DomainEvent[];
}

/** One try of a unit of work: hands out the scope and collects what it is to commit. */
export class OpenScope<Tx> {
  readonly tracked = new Map<string, { readonly aggregate: AggregateRoot; readonly adopt: boolean }>();
  readonly sent: SentMessages[] = [];
  /** Loads under way, by stream: who asks side by side gets the same object. */
  readonly #loading = new Map<string, Promise<AggregateRoot | undefined>>();
  #closed = false;

  constructor(
    private readonly tx: Tx,
    private readonly repository: AggregateRepository<Tx>,
    private readonly signal: AbortSignal | undefined,
  ) {}

  get scope(): Scope<Tx> {
    const find: Scope<Tx>['find'] = async (type, ...id) => this.#find(new type(...id));
    return {
      tx: this.tx,
      find,
      load: async (type, ...id) => {
        const blank = new type(...id);
        const loaded = await this.#find(blank);
        if (!loaded) throw new AggregateNotFoundError(blank.stream);
        return loaded;
      },
      track: (aggregate) => this.#track(aggregate, false),
      append: (orderingKey, messages, options = {}) => {
        this.#refuseWhenClosed('append');
        const list: readonly DomainEvent[] = [messages].flat();
        if (list.length === 0)
          throw new InvalidAppendError(orderingKey, 'there is no message in it; leave the call out, or pass at least one');
        this.sent.push({ ...options, orderingKey, messages: list });
      },
    };
  }

  close(): void {
    this.#closed = true;
  }

  async #find<Aggregate extends AggregateRoot>(blank: Aggregate): Promise<Aggregate | undefined> {
    this.#refuseWhenClosed('load');
    const underWay = this.#loading.get(blank.stream);
    const known = underWay ? await underWay : this.tracked.get(blank.stream)?.aggregate;
    if (known) {
      if (known.constructor === blank.constructor) return known as Aggregate;
      throw new InvalidAppendError(
        blank.stream,
        `it is loaded as ${known.constructor.name} already and cannot be ${blank.constructor.name} too`,
      );
    }
    checkAggregateStream(blank.stream);
    const loading = this.repository
      .replay(blank, this.tx, this.signal)
      .then(({ exists, adopt }) => (exists ? this.#track(blank, adopt) : undefined));
    this.#loading.set(blank.stream, loading);
    return await loading.finally(() => this.#loading.delete(blank.stream));
  }

  #track<Aggregate extends AggregateRoot>(aggregate: Aggregate, adopt: boolean): Aggregate {
    this.#refuseWhenClosed('track');
    const known = this.tracked.get(checkAggregateStream(aggregate.stream));
    if (known && known.aggregate !== aggregate) {
      throw new InvalidAppendError(
        aggregate.stream,
        'two objects of this stream are in one unit of work; load or create it once and pass it on',
      );
    }
    if (!known) this.tracked.set(aggregate.stream, { aggregate, adopt });
    return aggregate;
  }

  #refuseWhenClosed(act: string): void {
    if (this.#closed) throw new ScopeClosedError(act);
  }
}
