import type { MessagePlace } from '../outbox/delivery-status.js';

/**
 * `call-not-committed`: a handler had called the outside, and what was to be committed after it never could be, nor be compensated.
 * `message-discarded`: a handler has given a message up, as its policy says. `step-stuck`: nobody could find out what came of a step of a
 * process. `compensation-stuck`: nobody confirmed that a step was taken back.
 */
export type CaseKind = 'call-not-committed' | 'message-discarded' | 'step-stuck' | 'compensation-stuck';

/** Something that only a person can decide. */
export interface OpenCase {
  /** UUID, the same however often the case is opened. */
  readonly id: string;
  readonly kind: CaseKind;
  /** Durable name of the handler or process manager. */
  readonly of: string;
  readonly message: (MessagePlace & { readonly id: string; readonly type: string }) | undefined;
  readonly process: { readonly key: string; readonly step: string } | undefined;
  readonly correlationId: string | undefined;
  /** What happened, with what a person needs to look it up. */
  readonly detail: string;
}

export interface RecordedCase extends OpenCase {
  readonly openedAt: Date;
  /** Set once it is closed. */
  readonly closed: { readonly at: Date; readonly by: string; readonly reason: string } | undefined;
}

export interface CaseQuery {
  /** The one of this id. */
  readonly id?: string;
  readonly state?: 'open' | 'closed';
  readonly kind?: CaseKind;
  /** Handler or process manager. */
  readonly of?: string;
  /** Most to answer, 1 to 1,000, the longest open first. */
  readonly most: number;
}

/** Remembers what waits for a person, until one has closed it. */
export interface CaseStore<Tx> {
  /** Opens a case inside `tx`. One of this id that is known, open or closed, is left as it is. */
  open(toOpen: OpenCase, tx: Tx): Promise<void>;

  find(query: CaseQuery): Promise<readonly RecordedCase[]>;

  /** Closes it inside `tx`. @returns false when there is no such case, or it is closed already */
  close(id: string, closing: { readonly by: string; readonly reason: string }, tx: Tx): Promise<boolean>;
}
