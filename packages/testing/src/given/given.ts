import { AssertionError } from 'chai';
import { expect } from 'chai';
import type { AggregateRoot, DomainEvent, EventsOf } from '@waybill/core';

/** What an act on an aggregate came to. Call one of its methods: without it, nothing is checked. */
export interface Outcome<Event> {
  /** Exactly these events, in this order. */
  emits(...events: readonly Event[]): void;
  emitsNothing(): void;
  /** The act was refused. A string must occur in the message, a pattern must match it. */
  throws(message?: string | RegExp): void;
}

/**
 * Given an aggregate with a past: `given(new Order('7'), placed).when((order) => order.cancel('late')).emits(...)`.
 *
 * (No method is called `then`: `await` would take it for a promise.)
 *
 * @param past - its recorded events, the first at revision 0
 */
export function given<Aggregate extends AggregateRoot>(
  aggregate: Aggregate,
  ...past: readonly EventsOf<Aggregate>[]
): { when(act: (aggregate: Aggregate) => void): Outcome<EventsOf<Aggregate>> } {
  for (const [revision, event] of past.entries()) aggregate.replay(event, BigInt(revision));
  return {
    when(act) {
      const before = aggregate.pending.length;
      const thrown = attempt(() => act(aggregate));
      return outcomeOf(aggregate.constructor.name, aggregate.pending.slice(before), thrown);
    },
  };
}

function outcomeOf<Event extends DomainEvent>(name: string, emitted: readonly Event[], thrown: Thrown | undefined): Outcome<Event> {
  const emits = (...events: readonly Event[]): void => {
    if (thrown)
      throw new AssertionError(`${name} was expected to emit ${namesOf(events)}, but refused: ${thrown.message}`, { cause: thrown.error });
    expect(emitted.map(plain), `${name} was expected to emit ${namesOf(events)}, and emitted ${namesOf(emitted)}`).to.deep.equal(
      events.map(plain),
    );
  };
  return {
    emits,
    emitsNothing: () => emits(),
    throws(message) {
      if (!thrown) throw new AssertionError(`${name} was expected to refuse, but emitted ${namesOf(emitted)}`);
      if (message !== undefined) expect(thrown.message, `${name} refused for another reason`).to.match(patternOf(message));
    },
  };
}

interface Thrown {
  readonly error: unknown;
  readonly message: string;
}

function attempt(act: () => unknown): Thrown | undefined {
  let result: unknown;
  try {
    result = act();
  } catch (error) {
    return { error, message: error instanceof Error ? error.message : String(error) };
  }
  if (result instanceof Promise)
    throw new TypeError('The act of when() returned a promise: aggregates decide at once, so what it would check has not happened yet.');
  return undefined;
}

// An event is its type and its data, whatever object it came in.
const plain = ({ type, data }: DomainEvent): DomainEvent => ({ type, data });
const namesOf = (events: readonly DomainEvent[]): string => events.map(({ type }) => type).join(', ') || 'nothing';
const patternOf = (message: string | RegExp): RegExp =>
  typeof message === 'string' ? new RegExp(message.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')) : message;
