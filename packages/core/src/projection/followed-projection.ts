import type { Clock } from '../clock.js';
import type { Catalogue } from '../message/catalogue.js';
import { Follower } from '../subscription/follower.js';
import type { FollowerEvent } from '../subscription/follower-events.js';
import { anInstance } from '../subscription/follower-options.js';
import type { Listeners } from '../subscription/listeners.js';
import { afterConflicts } from '../unit-of-work/after-conflicts.js';
import type { Projector } from '../unit-of-work/projector.js';
import { GenerationFollowing } from './generation-following.js';
import { subscriptionOf } from './generation.js';
import type { StoredProjection } from './projection-store.js';
import type { ProjectionsEvents } from './projections-events.js';
import type { ProjectionsOptions } from './projections-options.js';
import { switchOver } from './switch-over.js';

export interface FollowedProjectionOptions<Tx> extends ProjectionsOptions<Tx> {
  readonly projector: Projector<Tx>;
  readonly knownTypes: Catalogue;
  readonly clock: Clock;
  readonly random: () => number;
  readonly listeners: Listeners<ProjectionsEvents>;
  /** Something has changed that the next look should see at once. */
  readonly lookAgain: () => void;
}

const CONFLICTS = 5;

/** One projection in this process: a follower for each generation that is written, started and stopped as the store says. */
export class FollowedProjection<Tx> {
  readonly #followers = new Map<number, Follower<Tx>>();
  /** When this process first saw that a generation is not live any more; by the clock that never goes back. */
  readonly #replacedAt = new Map<number, number>();
  readonly #retired = new Set<number>();
  readonly #instance: string;
  #seen: Pick<StoredProjection, 'live' | 'rebuilding'> | undefined;

  /** @throws {@link InvalidOptionsError} options that cannot work */
  constructor(private readonly options: FollowedProjectionOptions<Tx>) {
    this.#instance = options.instance ?? anInstance();
    this.#followerOf(1); // only to have them checked
  }

  get name(): string {
    return this.options.projector.name;
  }

  /**
   * Brings this process to what the store says, the live generation first: trouble with another one leaves it alone.
   *
   * @throws what failed; look again
   */
  async look(signal: AbortSignal): Promise<void> {
    const { database } = this.options;
    const stored = await database.projections.register(this.name);
    this.#tellChanges(stored);
    await this.#follow(stored.live, signal);
    await this.#stopOthers(stored);
    if (stored.rebuilding !== undefined) await this.#follow(stored.rebuilding, signal);
    await this.#retireOld(stored, signal);
  }

  async stop(): Promise<void> {
    const followers = [...this.#followers.values()];
    this.#followers.clear();
    await Promise.all(followers.map((follower) => follower.stop()));
  }

  async #follow(generation: number, signal: AbortSignal): Promise<void> {
    if (this.#followers.has(generation) || signal.aborted) return;
    await this.#prepare(generation, signal);
    const follower = this.#followerOf(generation);
    await follower.start(signal);
    this.#followers.set(generation, follower);
  }

  #tellChanges({ live, rebuilding }: StoredProjection): void {
    const { listeners } = this.options;
    const [projection, seen] = [this.name, this.#seen];
    this.#seen = { live, rebuilding };
    if (seen && seen.live !== live) listeners.tell('switched', { projection, generation: live });
    if (rebuilding !== undefined && seen?.rebuilding !== rebuilding) listeners.tell('rebuilding', { projection, generation: rebuilding });
  }

  /** Under the lock of its place, so that of several processes one does it at a time; not of a generation that was replaced meanwhile. */
  async #prepare(generation: number, signal: AbortSignal): Promise<void> {
    const { projector, database, log } = this.options;
    const { subscriptions, projections } = database;
    const subscription = subscriptionOf(this.name, generation);
    await subscriptions.register(subscription, log.positions, undefined);
    if (!projector.prepare) return;
    await this.#transact(async (tx) => {
      const stored = await subscriptions.find(subscription, tx);
      const { live, rebuilding } = (await projections.find(this.name, tx)) ?? {};
      if (!stored || stored.position !== undefined || (generation !== live && generation !== rebuilding)) return;
      await projector.prepare?.({ tx, generation });
    }, signal);
  }

  async #stopOthers({ live, rebuilding }: StoredProjection): Promise<void> {
    const { database } = this.options;
    for (const [generation, follower] of this.#followers) {
      if (generation === live || generation === rebuilding) continue;
      await follower.stop();
      // Gone already, unless a process that was late has made it known anew.
      await this.#transact((tx) => database.subscriptions.remove(subscriptionOf(this.name, generation), tx));
      this.#followers.delete(generation);
    }
  }

  async #retireOld({ live }: StoredProjection, signal: AbortSignal): Promise<void> {
    const { projector, database, clock, retireAfterMs = 60_000, listeners } = this.options;
    for (let generation = 1; generation < live; generation++) {
      const seenAt = this.#replacedAt.get(generation) ?? clock.monotonic();
      this.#replacedAt.set(generation, seenAt);
      if (this.#retired.has(generation) || clock.monotonic() - seenAt < retireAfterMs) continue;
      // One process, and without a lock: dropping waits for whoever still reads the old tables, and the live generation must not.
      const { owner } = (await database.subscriptions.find(subscriptionOf(this.name, live))) ?? {};
      if (owner !== this.#instance) return;
      await this.#transact(async (tx) => projector.retire?.({ tx, generation }), signal);
      this.#retired.add(generation);
      listeners.tell('retired', { projection: this.name, generation });
    }
  }

  #transact<Result>(work: (tx: Tx) => Promise<Result>, signal?: AbortSignal): Promise<Result> {
    const { database, clock, random } = this.options;
    return afterConflicts(CONFLICTS, () => database.transactions.run(work, signal), { clock, random, signal });
  }

  #followerOf(generation: number): Follower<Tx> {
    const { projector, knownTypes, database, log, batchSize = 500, clock, random, reached, lookAgain } = this.options;
    const { leaseMs, retry, silenceMs, logger } = this.options;
    const whenCaughtUp = async (_progress: unknown, signal: AbortSignal): Promise<'done' | 'again'> => {
      const outcome = await switchOver({ projector, generation, database, reached, clock, random, signal });
      if (outcome === 'behind') return 'again';
      if (this.#seen?.live !== generation) lookAgain();
      return 'done';
    };
    return new Follower<Tx>({
      ...{ subscription: subscriptionOf(this.name, generation), log, database, start: 'beginning' },
      following: new GenerationFollowing({
        ...{ projector, generation, database, catalogue: knownTypes, mostAtOnce: batchSize, reached, gone: lookAgain },
      }),
      ...{ instance: this.#instance, leaseMs, retry, silenceMs, logger, clock, random, reached, whenCaughtUp },
      on: ({ name, event }: FollowerEvent) => this.options.listeners.tell(name, { ...event, projection: this.name, generation }),
    });
  }
}
