import type { DomainEvent } from '../message/domain-event.js';

/**
 * The consistency boundary that decides: public methods check and {@link AggregateRoot.emit}, {@link AggregateRoot.apply} mutates.
 *
 * @typeParam Event - the union of the events it emits
 */
export abstract class AggregateRoot<Event extends DomainEvent = DomainEvent> {
  #pending: Event[] = [];
  #revision: bigint | undefined;

  /** Name of its stream, e.g. `order-7`. Set it in the constructor, from the id alone. */
  abstract readonly stream: string;

  /** Events emitted since the last commit. */
  get pending(): readonly Event[] {
    return this.#pending;
  }

  /** Revision of the last committed event; `undefined` for a stream that does not exist yet. */
  get revision(): bigint | undefined {
    return this.#revision;
  }

  /** Applies the event and keeps it for the commit. */
  protected emit(event: Event): void {
    this.apply(event);
    this.#pending.push(event);
  }

  /** Mutates state from one event. Called for emitted and replayed events alike; must not decide or fail. */
  protected abstract apply(event: Event): void;

  /** Counts a recorded event and applies it; `undefined` counts one without applying (an operator skipped it, or a snapshot covers it). */
  replay(event: Event | undefined, revision: bigint): void {
    if (event !== undefined) this.apply(event);
    this.#revision = revision;
  }

  /** Called once the pending events are committed, the last of them at `revision`. */
  markCommitted(revision: bigint): void {
    this.#pending = [];
    this.#revision = revision;
  }
}

/** The events an aggregate emits. */
export type EventsOf<Aggregate extends AggregateRoot> = Aggregate extends AggregateRoot<infer Event> ? Event : never;

/** Implemented by an aggregate with a long life: every `snapshotEvery` events its state is stored with the commit. */
export interface Snapshotted {
  /** Of the state's shape. Change it with the shape: older snapshots are then left alone and the events replayed. */
  readonly snapshotVersion: number;
  readonly snapshotEvery: number;
  /** State as plain JSON data. */
  toSnapshot(): unknown;
  fromSnapshot(state: never): void;
}

export const isSnapshotted = (aggregate: object): aggregate is Snapshotted => 'toSnapshot' in aggregate && 'fromSnapshot' in aggregate;
