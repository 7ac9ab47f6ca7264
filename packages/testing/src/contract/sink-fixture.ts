import type { EventHistory, OutboxMessage, Sink } from '@waybill/core';

/** What {@link sinkContract} needs: a sink, a look at what its target keeps, and a way to break it. */
export interface SinkFixture {
  readonly sink: Sink;
  /** What reads back what the sink delivered. Needed where `history` is declared. */
  readonly history?: EventHistory;
  /** What the target keeps of a stream, in the order of first acceptance, duplicates too where it keeps them. */
  stored(stream: string): Promise<readonly { readonly id: string; readonly revision: bigint }[]>;
  /** Makes the target unreachable, or unable to take anything. */
  break(): Promise<void>;
  /** Undoes `break` and `refuse`. */
  heal(): Promise<void>;
  /** Makes the target refuse this message as bad. Needed where `refuses` is declared. */
  refuse?(message: OutboxMessage): Promise<void>;
  close(): Promise<void>;
}

/** In what sinks may differ and still be right. */
export interface SinkCapabilities {
  /** Does it get every event of a stream that it gets any of (`needsWholeStreams`)? Then each is stored once, at its revision. Default false. */
  readonly wholeStreams?: boolean;
  /** Does its target keep a message once that comes twice? Whole streams do. Default false. */
  readonly recognisesDuplicates?: boolean;
  /** Can the fixture make the target refuse one message? Default false: what comes behind it is then not tested. */
  readonly refuses?: boolean;
  /** Has the fixture a `history`? Then the suite of `EventHistory` runs too. Default false. */
  readonly history?: boolean;
}
