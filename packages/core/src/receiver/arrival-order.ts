import { PredecessorMissingError, StaleSenderError } from '../errors.js';
import type { ArrivalPlace, ArrivalStore } from '../inbox/arrival-store.js';
import type { ArrivedMessage } from './arrived-message.js';

/** One text for a sender and its route: each has an order of its own. */
export const sourceKey = ({ source, route }: ArrivedMessage): string => JSON.stringify(route === undefined ? [source] : [source, route]);

/** Proves of each message that none of its stream is missing before it, and that its sender was not replaced. */
export class ArrivalOrder<Tx> {
  constructor(
    private readonly arrivals: ArrivalStore<Tx>,
    private readonly receiver: string,
  ) {}

  /**
   * Whether a message is the next of its stream, or one that came before. A newer sender is noted also when it sends a duplicate: what the
   * older one sends after that is late.
   *
   * @throws {@link PredecessorMissingError}, {@link StaleSenderError}
   */
  async admit(arrived: ArrivedMessage, tx: Tx): Promise<'next' | 'duplicate'> {
    const { id, stream, revision, previous, epoch } = arrived;
    const last = await this.arrivals.last(this.#placeOf(arrived), tx);
    if (last?.epoch !== undefined && epoch !== undefined && epoch < last.epoch)
      throw new StaleSenderError(id, stream, revision, epoch, last.epoch);
    if (last && revision <= last.revision) {
      if (epoch !== undefined && (last.epoch === undefined || epoch > last.epoch)) await this.record(arrived, tx);
      return 'duplicate';
    }
    const expected = previous === 'none' ? undefined : previous;
    if (previous !== undefined && expected !== last?.revision)
      throw new PredecessorMissingError(id, stream, revision, previous, last?.revision);
    return 'next';
  }

  async record(arrived: ArrivedMessage, tx: Tx): Promise<void> {
    const { revision, epoch } = arrived;
    await this.arrivals.record(this.#placeOf(arrived), { revision, epoch }, tx);
  }

  #placeOf(arrived: ArrivedMessage): ArrivalPlace {
    return { receiver: this.receiver, source: sourceKey(arrived), stream: arrived.stream };
  }
}
