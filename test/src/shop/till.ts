import { OutcomeUnknownError, SinkUnavailableError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage, Sink } from '@waybill/core';
import { placeOf } from './moody-sink.js';

/** What becomes of a request: `hangs` has done it and does not say so, `lost` never came there and nobody knows, `away` says that nothing was done. */
export type TillMood = 'answers' | 'hangs' | 'lost' | 'away';

/** A target that does twice what it is asked for twice. Who cannot be sure asks it first, or leaves it to a person. */
export class Till implements Sink {
  readonly mostAtOnce = 1;
  /** Every charge, e.g. `7@0`. */
  readonly charged: string[] = [];
  /** Every call of the sink, e.g. `7@0`, or `7@0 again?` where it may be a repeat. */
  readonly calls: string[] = [];
  /** Whether it can be asked what came of a request. */
  isMute = false;
  #mood: (message: OutboxMessage) => TillMood = () => 'answers';

  constructor(private readonly onUnknownOutcome: 'query' | 'halt') {}

  /** From now on. */
  feel(mood: (message: OutboxMessage) => TillMood): void {
    this.#mood = mood;
  }

  deliver([message]: readonly OutboxMessage[], { mayBeRepeat }: DeliveryContext): Promise<Delivery> {
    const place = placeOf(message!);
    this.calls.push(mayBeRepeat ? `${place} again?` : place);
    if (mayBeRepeat && this.onUnknownOutcome === 'halt') return Promise.resolve(this.#unknown(message!));
    if (mayBeRepeat && this.isMute) return Promise.resolve(this.#unknown(message!));
    if (mayBeRepeat && this.charged.includes(place)) return Promise.resolve({ accepted: 1 });
    return Promise.resolve(this.#charge(message!));
  }

  #charge(message: OutboxMessage): Delivery {
    const mood = this.#mood(message);
    if (mood === 'away') return { accepted: 0, failure: new SinkUnavailableError('the line is dead') };
    if (mood !== 'lost') this.charged.push(placeOf(message));
    return mood === 'answers' ? { accepted: 1 } : this.#unknown(message);
  }

  #unknown({ id }: OutboxMessage): Delivery {
    return { accepted: 0, failure: new OutcomeUnknownError('the till', id, 'no answer', { final: this.onUnknownOutcome === 'halt' }) };
  }
}
