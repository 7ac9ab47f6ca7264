/** What the writer believes about the stream. A number is a revision, and may be any unsigned 64-bit value. */
export type ExpectedRevision = 'any' | 'no_stream' | 'stream_exists' | bigint;

export interface ProposedEvent {
  readonly id: string;
  readonly type: string;
  readonly json: boolean;
  readonly data: Uint8Array;
  readonly metadata: Uint8Array;
}

export interface Append {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly events: readonly ProposedEvent[];
}

/** `revision` is -1 when the stream has no event; `position` is missing when the original of a retry is not readable any more. */
export interface Accepted {
  readonly kind: 'accepted';
  readonly revision: number;
  readonly position?: number;
}

export interface WrongExpectedRevision {
  readonly kind: 'wrong-expected-revision';
  readonly expected: ExpectedRevision;
  /** -1 when the stream has no event. */
  readonly current: number;
}

/** What becomes of an append, in words that both append calls and the deletes translate for the wire. */
export type AppendOutcome =
  | Accepted
  | WrongExpectedRevision
  | { readonly kind: 'stream-deleted' }
  | { readonly kind: 'too-large'; readonly limit: number }
  | { readonly kind: 'bad-request' }
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'not-ready' }
  | { readonly kind: 'not-leader'; readonly leader: { readonly host: string; readonly port: number } };
