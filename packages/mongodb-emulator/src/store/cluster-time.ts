import { Timestamp } from 'bson';

/** A cluster time as one number, for comparing: seconds times 2^21 plus the increment. */
export type Tick = number;

const INCREMENTS = 2 ** 21;

/** The tick of a transaction's writes until it commits: later than every snapshot. */
export const NEVER: Tick = Number.POSITIVE_INFINITY;

/** The logical clock of the server. Never goes back, not even by a fall-back to older data. */
export class ClusterTime {
  #tick: Tick;
  #timestamp: Timestamp | undefined;

  constructor(private readonly now: () => Date) {
    this.#tick = this.#atLeastNow(0);
  }

  /** The newest time given away so far. */
  get current(): Timestamp {
    return (this.#timestamp ??= timestampOf(this.#tick));
  }

  get tick(): Tick {
    return this.#tick;
  }

  /** Moves the clock on and answers a time that nobody else has. */
  next(): Tick {
    this.#tick = this.#atLeastNow(this.#tick + 1);
    this.#timestamp = undefined;
    return this.#tick;
  }

  /** Catches up with a time that another member or a client has seen. */
  advanceTo(timestamp: Timestamp): void {
    const tick = tickOf(timestamp);
    if (tick <= this.#tick) return;
    this.#tick = tick;
    this.#timestamp = undefined;
  }

  #atLeastNow(tick: Tick): Tick {
    return Math.max(tick, Math.floor(this.now().getTime() / 1_000) * INCREMENTS + 1);
  }
}

export function timestampOf(tick: Tick): Timestamp {
  return new Timestamp({ t: Math.floor(tick / INCREMENTS), i: tick % INCREMENTS });
}

export function tickOf(timestamp: Timestamp): Tick {
  return timestamp.getHighBitsUnsigned() * INCREMENTS + Math.min(timestamp.getLowBitsUnsigned(), INCREMENTS - 1);
}
