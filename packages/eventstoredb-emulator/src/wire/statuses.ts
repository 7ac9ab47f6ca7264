import { Metadata, status } from '@grpc/grpc-js';
import type { StatusObject } from '@grpc/grpc-js';

/** A call that ends with an error, the way the real server's trailers tell it. */
export type Failure = Pick<StatusObject, 'code' | 'details'> & { readonly metadata?: Metadata };

/** Not an `Error`: gRPC only reads these fields, and a stack for each would cost more than the call. */
export function asServerError(failure: Failure): Error & Failure {
  return Object.assign(new Error(failure.details), failure);
}

export function streamDeleted(stream: string): Failure {
  const details = `Event stream '${stream}' is deleted.`;
  return { code: status.FAILED_PRECONDITION, details, metadata: trailers({ exception: 'stream-deleted', 'stream-name': stream }) };
}

/** Only deletes answer with this status; appends have a message of their own. Any is -2, no stream -1, stream exists -4. */
export function wrongExpectedRevision(stream: string, expected: bigint, actual: number): Failure {
  return {
    code: status.FAILED_PRECONDITION,
    details: `Append failed due to WrongExpectedVersion. Stream: ${stream}, Expected version: ${expected}, Actual version: ${actual}`,
    metadata: trailers({
      exception: 'wrong-expected-version',
      'stream-name': stream,
      'expected-version': `${expected}`,
      'actual-version': `${actual}`,
    }),
  };
}

export function maximumAppendSizeExceeded(limit: number): Failure {
  return {
    code: status.INVALID_ARGUMENT,
    details: `Maximum Append Size of ${limit} Exceeded.`,
    metadata: trailers({ exception: 'maximum-append-size-exceeded', 'maximum-append-size': `${limit}` }),
  };
}

export function missingRequiredMetadata(): Failure {
  return {
    code: status.INVALID_ARGUMENT,
    details: 'Required Metadata Property Missing',
    metadata: trailers({ exception: 'missing-required-metadata-property', 'required-metadata-properties': 'type,content-type' }),
  };
}

export function notLeader({ host, port }: { readonly host: string; readonly port: number }): Failure {
  return {
    code: status.NOT_FOUND,
    details: 'Leader info available',
    metadata: trailers({ exception: 'not-leader', 'leader-endpoint-host': host, 'leader-endpoint-port': `${port}` }),
  };
}

export function accessDenied(): Failure {
  return { code: status.PERMISSION_DENIED, details: 'Access Denied', metadata: trailers({ exception: 'access-denied' }) };
}

export function commitTimedOut(): Failure {
  return { code: status.ABORTED, details: 'Operation timed out: Commit phase timeout.' };
}

export function unavailable(details: string): Failure {
  return { code: status.UNAVAILABLE, details };
}

export function consumerTooSlow(): Failure {
  return {
    code: status.ABORTED,
    details: 'Operation timed out: Consumer too slow to handle event while live. Client resubscription required.',
  };
}

/** What a call about a subscription group ends with; the client reads the group's names from the trailers. */
export interface GroupNames {
  /** A stream's name, or `$all`. */
  readonly source: string;
  readonly group: string;
}

export function groupMissing({ source, group }: GroupNames): Failure {
  const details = `Subscription group ${group} on stream ${source} does not exist.`;
  return { code: status.NOT_FOUND, details, metadata: groupTrailers('persistent-subscription-does-not-exist', { source, group }) };
}

export function groupExists({ source, group }: GroupNames): Failure {
  const details = `Subscription group ${group} on stream ${source} exists.`;
  return { code: status.ALREADY_EXISTS, details, metadata: groupTrailers('persistent-subscription-exists', { source, group }) };
}

export function groupFailed({ source, group }: GroupNames, reason: string): Failure {
  const details = `Subscription group ${group} on stream ${source} failed: '${reason}'`;
  const metadata = groupTrailers('persistent-subscription-failed', { source, group }, { reason });
  return { code: status.INTERNAL, details, metadata };
}

export function subscriberDropped({ source, group }: GroupNames): Failure {
  const details = `Subscription group ${group} on stream ${source} was dropped.`;
  return { code: status.CANCELLED, details, metadata: groupTrailers('persistent-subscription-dropped', { source, group }) };
}

export function tooManySubscribers({ source, group }: GroupNames): Failure {
  const details = `Maximum subscriptions reached for subscription group ${group} on stream ${source}.`;
  return { code: status.FAILED_PRECONDITION, details, metadata: groupTrailers('maximum-subscribers-reached', { source, group }) };
}

function groupTrailers(exception: string, { source, group }: GroupNames, more: Readonly<Record<string, string>> = {}): Metadata {
  return trailers({ exception, 'stream-name': source, 'group-name': group, ...more });
}

/** How the real server answers what its handlers do not expect, an empty stream name for one. */
export function exceptionThrown(): Failure {
  return { code: status.UNKNOWN, details: 'Exception was thrown by handler.' };
}

export function unexpectedReadResult(result: 'ReadStreamResult' | 'ReadAllResult'): Failure {
  return { code: status.UNKNOWN, details: `Unexpected ${result}: Error` };
}

function trailers(values: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  // Header values are printable ASCII; grpc-js would throw on anything else.
  for (const [key, value] of Object.entries(values)) metadata.set(key, value.replace(/[^\x20-\x7e]+/g, encodeURIComponent));
  return metadata;
}
