/**
 * What becomes of a message that has used up its tries, or that can never be delivered.
 *
 * - `halt`: its lane stays there until somebody resumes it, or skips the message. Nothing is decided without a person.
 * - `halt-stream`: only its stream does; the lane goes on with the others.
 * - `park-stream`: message and stream are set aside, listed and told of, until somebody redrives them; receipts reject.
 * - `discard`: it is passed by, recorded and told of: for what is best effort. Its stream goes on.
 *
 * With all but `halt`, a stream waits for itself between its tries, too.
 */
export type FailurePolicy = 'halt' | 'halt-stream' | 'park-stream' | 'discard';

export const FAILURE_POLICIES: readonly FailurePolicy[] = ['halt', 'halt-stream', 'park-stream', 'discard'];
