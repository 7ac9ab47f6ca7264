import { InvalidOptionsError, PredecessorMissingError, RevisionTakenError, StaleSenderError } from '../errors.js';
import type { ArrivalPlace, ArrivalStore } from '../inbox/arrival-store.js';
import type { ArrivedMessage } from './arrived-message.js';

/** One text for a sender and its route: each has an order of its own. */
export const sourceKey = ({ source, route }: ArrivedMessage): string => JSON.stringify(route === undefined ? [source] : [source, route]);

/**
 * Where a stream begins that a receiver has never seen: at its sender's first message, or at whichever comes first. The latter is for a
 * receiver that joins a sender which has been sending for long: what came before is not asked for then, and refused when it comes late.
 */
export type OrderStart = 'beginning' | 'now';

export interface OrderOptions {
  /** Refuse a message whose predecessor of the same stream has not arrived, or whose sender was replaced. Default false. */
  readonly inOrder?: boolean;
  /** With `inOrder`: where streams begin that never arrived here. Default `beginning`. */
  readonly start?: OrderStart;
}

/** @throws {@link InvalidOptionsError} */
export function arrivalOrder<Tx>(
  { inOrder = false, start }: OrderOptions,
  arrivals: ArrivalStore<Tx>,
  receiver: string,
): ArrivalOrder<Tx> | undefined {
  if (start !== undefined && start !== 'beginning' && start !== 'now')
    throw new InvalidOptionsError(`start "${String(start)}" does not exist; choose "beginning" or "now".`);
  if (start !== undefined && !inOrder)
    throw new InvalidOptionsError(
      'start says where streams begin for a receiver that proves their order: add inOrder: true, or leave it out.',
    );
  return inOrder ? new ArrivalOrder(arrivals, receiver, start ?? 'beginning') : undefined;
}

/** A message that is the next of its stream. */
export interface Next {
  /** Revision that arrived last before it. */
  readonly after: bigint | 'none';
}

/** Proves of each message that none of its stream is missing before it, and that its sender was not replaced. */
export class ArrivalOrder<Tx> {
  constructor(
    private readonly arrivals: ArrivalStore<Tx>,
    private readonly receiver: string,
    private readonly start: OrderStart,
  ) {}

  /**
   * Whether a message is the next of its stream, or one that came before. A newer sender is noted also when it sends a duplicate: what the
   * older one sends after that is late.
   *
   * @param isKnown - whether this very message was taken before
   * @throws {@link PredecessorMissingError}, {@link StaleSenderError}, {@link RevisionTakenError}
   */
  async admit(arrived: ArrivedMessage, isKnown: () => Promise<boolean>, tx: Tx): Promise<'duplicate' | Next> {
    const { id, stream, revision, previous, epoch } = arrived;
    const last = await this.arrivals.last(this.#placeOf(arrived), tx);
    if (last?.epoch !== undefined && epoch !== undefined && epoch < last.epoch)
      throw new StaleSenderError(id, stream, revision, epoch, last.epoch);
    if (last && revision <= last.revision) {
      if (!(await isKnown())) throw new RevisionTakenError(id, stream, revision, last.revision);
      if (epoch !== undefined && (last.epoch === undefined || epoch > last.epoch)) await this.record(arrived, tx);
      return 'duplicate';
    }
    const next = { after: last?.revision ?? 'none' } as const;
    if (!last && this.start === 'now') return next;
    const expected = previous === 'none' ? undefined : previous;
    if (previous !== undefined && expected !== last?.revision)
      throw new PredecessorMissingError(id, stream, revision, previous, last?.revision);
    return next;
  }

  /** @param after - as it was admitted: in one transaction with that, no other message comes in between */
  async record(arrived: ArrivedMessage, tx: Tx, after?: Next['after']): Promise<void> {
    const { revision, epoch } = arrived;
    await this.arrivals.record(this.#placeOf(arrived), { revision, epoch }, tx, after);
  }

  #placeOf(arrived: ArrivedMessage): ArrivalPlace {
    return { receiver: this.receiver, source: sourceKey(arrived), stream: arrived.stream };
  }
}
