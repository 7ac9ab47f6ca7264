import { TransactionConflictError } from '../errors.js';
import type { ArrivalPlace, ArrivalStore, LastArrival } from '../inbox/arrival-store.js';
import type { InMemoryState } from './in-memory-state.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

/** The last arrival of each stream, locked by who records it until its transaction ends. */
export class InMemoryArrivals implements ArrivalStore<InMemoryTx> {
  constructor(
    private readonly state: InMemoryState,
    private readonly transactions: InMemoryTransactions,
  ) {}

  last(place: ArrivalPlace, tx: InMemoryTx): Promise<LastArrival | undefined> {
    return Promise.resolve(this.#lastAt(keyOf(place), tx));
  }

  async record(place: ArrivalPlace, arrival: LastArrival, tx: InMemoryTx, after?: bigint | 'none'): Promise<void> {
    const key = keyOf(place);
    await this.transactions.lock(key, tx);
    const last = this.#lastAt(key, tx);
    if (after !== undefined && after !== (last?.revision ?? 'none'))
      throw new TransactionConflictError(`another message of ${place.stream} arrived in between`);
    const recorded = last ? { revision: higher(last.revision, arrival.revision), epoch: higher(last.epoch, arrival.epoch) } : arrival;
    tx.own.set(key, recorded);
    tx.onCommit(() => this.state.arrivals.set(key, recorded));
  }

  #lastAt(key: string, tx: InMemoryTx): LastArrival | undefined {
    return (tx.own.get(key) as LastArrival | undefined) ?? this.state.arrivals.get(key);
  }
}

const keyOf = ({ receiver, source, stream }: ArrivalPlace): string => `arrival ${JSON.stringify([receiver, source, stream])}`;

function higher<Number extends bigint | undefined>(one: Number, other: Number): Number {
  if (one === undefined || other === undefined) return one ?? other;
  return one > other ? one : other;
}
