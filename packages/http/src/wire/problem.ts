/** Why a receiver did not take a request, by the last word of the problem document's `type`. */
export const PROBLEMS = {
  malformed: { status: 400, title: 'The request is not a message that can be read' },
  forged: { status: 401, title: 'The signature is missing, or is not of this body' },
  stale: { status: 401, title: 'The request was signed too long ago, or in the future' },
  'unknown-source': { status: 403, title: 'Messages of this source are not taken here' },
  method: { status: 405, title: 'Messages are sent by POST' },
  'too-slow': { status: 408, title: 'The request did not arrive in time' },
  'predecessor-missing': { status: 409, title: 'The message before this one has not arrived yet' },
  'stale-sender': { status: 409, title: 'Another sender has taken over the stream' },
  'revision-taken': { status: 409, title: 'Another message arrived at this revision before' },
  oversized: { status: 413, title: 'The request is too large' },
  'unsupported-media-type': { status: 415, title: 'Messages are not taken in this form' },
  'unknown-type': { status: 422, title: 'Messages of this type are not known here' },
  'invalid-payload': { status: 422, title: 'The payload is not what the type of the message asks for' },
  'too-many': { status: 429, title: 'Too many requests' },
  failed: { status: 500, title: 'The message could not be handled' },
  unavailable: { status: 503, title: 'Messages cannot be taken at the moment' },
  'outcome-unknown': { status: 504, title: 'Nobody knows whether the message was handled' },
} as const;

export type ProblemSlug = keyof typeof PROBLEMS;

/** What the `type` of each problem document begins with. */
export const PROBLEM_TYPE_PREFIX = 'urn:waybill:problem:';

/** A problem document (RFC 9457) as a receiver answers with it. */
export interface Problem {
  readonly type: `${typeof PROBLEM_TYPE_PREFIX}${ProblemSlug}`;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** In batch mode: how many messages from the front were taken. */
  readonly accepted?: number;
}
