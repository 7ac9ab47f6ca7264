import type { Clock } from '../clock.js';
import type { SubscriptionStatus } from '../subscription/operators.js';
import type { StoredProjection } from './projection-store.js';

/** A generation of a projection, as operators see it. */
export interface GenerationStatus extends Pick<
  SubscriptionStatus,
  'state' | 'paused' | 'failure' | 'owner' | 'position' | 'head' | 'behind' | 'lagMs' | 'caughtUp' | 'messages'
> {
  readonly generation: number;
  /** Between this look of this object and one up to ten seconds ago; `undefined` at the first. */
  readonly messagesPerSecond: number | undefined;
}

export interface RebuildStatus extends GenerationStatus {
  /** How much of the log is done, 0 to 100, in whole percent. 100 once it has caught up. Within one object it never goes back, though the log grows. */
  readonly percent: number;
}

/** A projection, by its live generation. */
export interface ProjectionStatus extends GenerationStatus {
  readonly projection: string;
  /** When `generation` became live by a rebuild. */
  readonly switchedAt: Date | undefined;
  /** The generation that is built beside it. */
  readonly rebuilding: RebuildStatus | undefined;
}

interface Look {
  readonly at: number;
  readonly messages: bigint;
}

const OVER_MS = 10_000;

/** What is told of projections; it remembers its looks, to tell how fast they are. */
export class ProjectionStatuses {
  readonly #looks = new Map<string, readonly Look[]>();
  readonly #percents = new Map<string, number>();

  constructor(private readonly clock: Clock) {}

  of(
    { projection, live, rebuilding, switchedAt }: StoredProjection,
    subscriptionOf: (generation: number) => SubscriptionStatus | undefined,
  ): ProjectionStatus {
    return {
      ...{ projection, switchedAt },
      ...this.#generation(projection, live, subscriptionOf(live)),
      rebuilding: rebuilding === undefined ? undefined : this.#rebuild(projection, rebuilding, subscriptionOf(rebuilding)),
    };
  }

  #rebuild(projection: string, generation: number, known: SubscriptionStatus | undefined): RebuildStatus {
    const status = this.#generation(projection, generation, known);
    const key = keyOf(projection, generation);
    const percent = Math.max(percentOf(status), this.#percents.get(key) ?? 0);
    this.#percents.set(key, percent);
    return { ...status, percent };
  }

  /** @param known - `undefined` before a process has begun with it */
  #generation(projection: string, generation: number, known: SubscriptionStatus | undefined): GenerationStatus {
    const { state = 'running', paused = false, caughtUp = false, messages = 0n } = known ?? {};
    const { failure, owner, position, head, behind, lagMs } = known ?? {};
    return {
      ...{ generation, state, paused, failure, owner, position, head, behind, lagMs, caughtUp, messages },
      messagesPerSecond: this.#speed(keyOf(projection, generation), messages),
    };
  }

  #speed(key: string, messages: bigint): number | undefined {
    const now = { at: this.clock.monotonic(), messages };
    const looks = (this.#looks.get(key) ?? []).filter(({ at }) => at >= now.at - OVER_MS);
    this.#looks.set(key, [...looks, now]);
    const [first] = looks;
    return first && now.at > first.at ? (Number(now.messages - first.messages) * 1_000) / (now.at - first.at) : undefined;
  }
}

const keyOf = (projection: string, generation: number): string => `${projection}#${generation}`;

function percentOf({ position, head, caughtUp }: GenerationStatus): number {
  if (caughtUp) return 100;
  if (position === undefined || head === undefined) return 0;
  return Math.min(99, Number((position * 100n) / (head > 0n ? head : 1n)));
}
