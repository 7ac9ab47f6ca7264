import type { Database } from '../database.js';
import { SubscriptionLostError } from '../errors.js';
import type { Catalogue } from '../message/catalogue.js';
import type { Reached } from '../moment.js';
import type { Followed, Following } from '../subscription/following.js';
import { subscriptionOf } from './generation.js';
import type { Generation } from './generation.js';
import { projectedMessage } from './projected-message.js';

export interface GenerationFollowingOptions<Tx> extends Generation<Tx> {
  readonly database: Pick<Database<Tx>, 'transactions' | 'projections'>;
  readonly catalogue: Catalogue;
  readonly mostAtOnce: number;
  readonly reached: Reached | undefined;
  /** Told when nobody wants this generation any more: another process has switched, or given it up. */
  readonly gone: () => void;
}

/** What is done with the events of a log: a batch of them, and the place behind it, are one transaction. */
export class GenerationFollowing<Tx> implements Following<Tx> {
  readonly types: readonly string[];
  readonly mostAtOnce: number;

  constructor(private readonly options: GenerationFollowingOptions<Tx>) {
    this.types = options.projector.events.flatMap(({ type, formerly }) => [type, ...formerly]);
    this.mostAtOnce = options.mostAtOnce;
  }

  async handle(
    batch: readonly Followed[],
    advance: (tx: Tx) => Promise<void>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const { projector, generation, database, catalogue, reached, gone } = this.options;
    const messages = batch.map((followed) => projectedMessage(followed, catalogue));
    await database.transactions.run(async (tx) => {
      // Not only a flag: a process that was late may have made the subscription of a generation known anew whose tables are dropped by now.
      const { live, rebuilding } = (await database.projections.find(projector.name, tx)) ?? {};
      if (generation !== live && generation !== rebuilding) {
        gone();
        throw new SubscriptionLostError(subscriptionOf(projector.name, generation), 0n);
      }
      for (const message of messages) {
        signal.throwIfAborted();
        await projector.project(message, { tx, generation, rebuilding: generation !== live });
      }
      await reached?.('projected');
      await advance(tx);
    }, signal);
    await reached?.('committed');
  }
}
