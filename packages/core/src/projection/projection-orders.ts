import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import type { ResumeOptions, SubscriptionOperators, SubscriptionStatus } from '../subscription/operators.js';
import { afterConflicts } from '../unit-of-work/after-conflicts.js';
import type { Projector } from '../unit-of-work/projector.js';
import { subscriptionOf } from './generation.js';

export interface PauseProjectionOptions {
  /** Default: the live one, and the one that is being built. */
  readonly generation?: number;
}

export interface ResumeProjectionOptions extends PauseProjectionOptions, ResumeOptions {}

export interface ProjectionOrdersOptions<Tx> {
  readonly database: Pick<Database<Tx>, 'projections' | 'subscriptions' | 'transactions'>;
  readonly operators: SubscriptionOperators;
  readonly clock: Clock;
  readonly random: () => number;
}

const CONFLICTS = 20;

/** What a person does with projections, from any process. */
export class ProjectionOrders<Tx> {
  constructor(private readonly options: ProjectionOrdersOptions<Tx>) {}

  async pause(projection: string, { generation }: PauseProjectionOptions): Promise<void> {
    for (const { subscription } of await this.#begun(projection, generation)) await this.options.operators.pause(subscription);
  }

  async resume(projection: string, { generation, skip, reason }: ResumeProjectionOptions): Promise<void> {
    const begun = await this.#begun(projection, generation);
    if (skip === undefined) {
      for (const { subscription } of begun) await this.options.operators.resume(subscription);
      return;
    }
    const standing = begun.filter(({ failure }) => failure?.message?.id === skip);
    if (standing.length === 0) {
      const ids = begun.flatMap(({ failure }) => failure?.message?.id ?? []);
      throw new InvalidOptionsError(
        `Projection "${projection}" does not stand at message ${skip}${ids.length > 0 ? `, but at ${ids.join(' and ')}` : ''}: status() tells where.`,
      );
    }
    for (const { subscription } of standing)
      await this.options.operators.resume(subscription, { skip, ...(reason !== undefined && { reason }) });
  }

  async abandonRebuild(projector: Projector<Tx>): Promise<void> {
    const { projections, subscriptions } = this.options.database;
    const { name } = projector;
    const { rebuilding: generation } = (await projections.find(name)) ?? {};
    const isAbandoned =
      generation !== undefined &&
      (await this.#transact(async (tx) => {
        const subscription = subscriptionOf(name, generation);
        await subscriptions.find(subscription, tx); // the place first, as who writes and switches does
        if (!(await projections.abandon(name, generation, tx))) return false;
        await subscriptions.remove(subscription, tx);
        return true;
      }));
    if (!isAbandoned) throw new InvalidOptionsError(`Projection "${name}" is not being rebuilt; there is nothing to abandon.`);
    // Not in the same transaction: whoever still writes these tables waits for the place, and we would wait for the tables.
    await this.#transact(async (tx) => projector.retire?.({ tx, generation }));
  }

  /** The generations that somebody has begun with. */
  async #begun(projection: string, generation: number | undefined): Promise<readonly SubscriptionStatus[]> {
    const { database, operators } = this.options;
    const { live, rebuilding } = (await database.projections.find(projection)) ?? {};
    const generations = [live, rebuilding].filter((known) => known !== undefined && (generation ?? known) === known);
    const known = await Promise.all(generations.map((number) => operators.status(subscriptionOf(projection, number!))));
    const begun = known.filter((status) => status !== undefined);
    if (begun.length === 0)
      throw new InvalidOptionsError(
        generation === undefined
          ? `Nobody has followed projection "${projection}" yet: it is known once a process has started it.`
          : `Projection "${projection}" has no generation ${generation} that is live or being built: status() tells which there are.`,
      );
    return begun;
  }

  #transact<Result>(work: (tx: Tx) => Promise<Result>): Promise<Result> {
    const { database, clock, random } = this.options;
    return afterConflicts(CONFLICTS, () => database.transactions.run(work), { clock, random, signal: undefined });
  }
}
