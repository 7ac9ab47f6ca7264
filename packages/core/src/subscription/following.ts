import type { Arrival } from '../receiver/arrival.js';

/** Something that was read, with its place in the log. */
export type Followed = Arrival & { readonly position: bigint };

/** What is done with the messages of a log: by handlers, or by a projection. */
export interface Following<Tx> {
  /** Types that are wanted, former names included; `undefined`: all. Others are passed by. */
  readonly types: readonly string[] | undefined;

  /** Most messages in one transaction. */
  readonly mostAtOnce: number;

  /**
   * Handles messages in order, each wanted, and moves the subscription on by calling `advance` as the last thing in the transaction of their
   * effects. After whatever it throws the subscription goes on from its stored place, so a commit whose answer was lost is found out there.
   *
   * @param options.attempt - 1, or more when this message, alone, has failed here before
   * @param options.mayBeRepeat - true when somebody may have begun with these messages before, and nobody knows how far it came
   */
  handle(
    batch: readonly Followed[],
    advance: (tx: Tx) => Promise<void>,
    options: { readonly attempt: number; readonly mayBeRepeat: boolean; readonly signal: AbortSignal },
  ): Promise<void>;
}
