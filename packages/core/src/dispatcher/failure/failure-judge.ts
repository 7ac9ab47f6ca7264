import { isWaybillError } from '../../errors.js';
import type { DeliveryFailure } from '../../errors.js';
import type { OutboxRow } from '../../outbox/outbox-row.js';
import type { DeliveryOfRows } from '../lane/lane-delivery.js';
import type { Route } from '../route.js';
import type { SinkHealth } from './sink-health.js';

export interface Verdict {
  /**
   * `outage`: the sink's trouble, or an outcome that it has yet to find out, which costs the message nothing. `again`: the message's, and it
   * has tries left. `used-up`: it has none, or only a person can tell what came of it.
   */
  readonly kind: 'outage' | 'again' | 'used-up';
  /** Tries of this message that have failed by its own fault, this one among them unless it is an outage. */
  readonly attempts: number;
}

/** What is forgotten beyond that costs a message one more try. */
const MOST_REMEMBERED = 10_000;

/**
 * Tells an outage from poison.
 *
 * A message that is refused uses up a try. One that the sink has trouble with, or does not know the outcome of, does not, unless the route got something else accepted
 * since it had trouble with it before: then it is poison in disguise, a payload that always gets 500. While nobody gets through, nothing counts.
 */
export class FailureJudge {
  /** By stream: the message that the sink had trouble with last, and how much the route had got accepted by then. */
  readonly #failed = new Map<string, { readonly messageId: string; readonly accepted: number }>();

  constructor(
    private readonly route: Route,
    private readonly health: SinkHealth,
  ) {}

  /**
   * @param attempts - failed tries of this message before this one
   * @param tried - what the route had got accepted before this try began (what got through beside it may have come after an outage), and what
   * the sink took in the very same call
   */
  judge(
    row: OutboxRow,
    error: DeliveryFailure,
    attempts: number,
    { acceptedBefore, acceptedBeyond = [] }: Pick<DeliveryOfRows, 'acceptedBefore' | 'acceptedBeyond'>,
  ): Verdict {
    const rejected = isWaybillError(error, 'MESSAGE_REJECTED');
    const isFinal = (rejected || isWaybillError(error, 'OUTCOME_UNKNOWN')) && error.final;
    const last = this.#failed.get(row.stream);
    const othersGetThrough = last?.messageId === row.id && (acceptedBefore > last.accepted || acceptedBeyond.length > 0);
    if (this.#failed.size >= MOST_REMEMBERED) this.#failed.clear();
    if (rejected || isFinal) this.#failed.delete(row.stream);
    else this.#failed.set(row.stream, { messageId: row.id, accepted: this.health.accepted });
    if (!rejected && !isFinal && !othersGetThrough) return { kind: 'outage', attempts };
    const isUsedUp = isFinal || attempts + 1 >= this.route.attempts;
    return { kind: isUsedUp ? 'used-up' : 'again', attempts: attempts + 1 };
  }
}
