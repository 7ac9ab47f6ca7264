import type { StoredSubscription, SubscriptionFailure, SubscriptionLease, SubscriptionProgress, SubscriptionState } from '@waybill/core';

const millis = (column: string): string => `(extract(epoch from s.${column}) * 1000)::bigint::text`;

/** SQL: how far a subscription `s` is, and what it stands at; as text. */
export const PROGRESS_COLUMNS = `
  s.position::text as position, s.last_message::text as last_message, s.state, s.failed_id, s.failed_type, s.failed_stream,
  s.failed_revision::text as failed_revision, s.failed_position::text as failed_position, s.attempts::text as attempts,
  ${millis('next_try_at')} as next_try_ms, s.error_code, s.last_error`;

/** SQL: all of a subscription `s` that operators see; as text. */
export const SUBSCRIPTION_COLUMNS = `
  ${PROGRESS_COLUMNS}, s.subscription, s.positions, s.paused::text as paused, s.epoch::text as epoch, s.head::text as head, s.messages::text as messages,
  case when not s.released and s.lease_until > clock_timestamp() then s.owner end as owner,
  (s.caught_up and not s.released and s.lease_until > clock_timestamp())::text as caught_up,
  ${millis('last_occurred_at')} as last_occurred_ms, ${millis('moved_at')} as moved_ms`;

export const SUBSCRIPTION_LEASE_COLUMNS = `s.epoch::text as epoch, ${millis('lease_until')} as expires_ms`;

export interface ProgressColumns {
  readonly position: string | null;
  readonly last_message: string | null;
  readonly state: SubscriptionState;
  readonly failed_id: string | null;
  readonly failed_type: string;
  readonly failed_stream: string;
  readonly failed_revision: string;
  readonly failed_position: string;
  readonly attempts: string;
  readonly next_try_ms: string | null;
  readonly error_code: string | null;
  readonly last_error: string;
}

export interface SubscriptionColumns extends ProgressColumns {
  readonly subscription: string;
  readonly positions: string;
  readonly paused: string;
  readonly owner: string | null;
  readonly epoch: string;
  readonly caught_up: string;
  readonly head: string | null;
  readonly messages: string;
  readonly last_occurred_ms: string | null;
  readonly moved_ms: string | null;
}

export interface SubscriptionLeaseColumns {
  readonly epoch: string;
  readonly expires_ms: string;
}

export const progressOf = (row: ProgressColumns): SubscriptionProgress => ({
  position: bigintOf(row.position),
  lastMessage: bigintOf(row.last_message),
  state: row.state,
  failure: failureOf(row),
});

export const subscriptionOf = (row: SubscriptionColumns): StoredSubscription => ({
  ...progressOf(row),
  subscription: row.subscription,
  positions: row.positions,
  paused: row.paused === 'true',
  owner: row.owner ?? undefined,
  epoch: BigInt(row.epoch),
  caughtUp: row.caught_up === 'true',
  head: bigintOf(row.head),
  lastOccurredAt: dateOf(row.last_occurred_ms),
  messages: BigInt(row.messages),
  movedAt: dateOf(row.moved_ms),
});

export const subscriptionLeaseOf = (subscription: string, { epoch, expires_ms }: SubscriptionLeaseColumns): SubscriptionLease => ({
  subscription,
  epoch: BigInt(epoch),
  expiresAt: new Date(Number(expires_ms)),
});

function failureOf(row: ProgressColumns): SubscriptionFailure | undefined {
  if (row.error_code === null) return undefined;
  const { failed_id: id, failed_type: type, failed_stream: stream } = row;
  return {
    message: id === null ? undefined : { id, type, stream, revision: BigInt(row.failed_revision), position: BigInt(row.failed_position) },
    attempts: Number(row.attempts),
    nextTryAt: dateOf(row.next_try_ms),
    code: row.error_code,
    error: row.last_error,
  };
}

const bigintOf = (text: string | null): bigint | undefined => (text === null ? undefined : BigInt(text));
const dateOf = (ms: string | null): Date | undefined => (ms === null ? undefined : new Date(Number(ms)));
