import { PROBLEM_TYPE } from '../wire/media-types.js';
import { PROBLEM_TYPE_PREFIX, PROBLEMS } from '../wire/problem.js';
import type { Problem, ProblemSlug } from '../wire/problem.js';
import type { HttpReply } from './received-request.js';

/** Longest detail, in characters: it may hold what a sender sent, and goes to the log, too. */
const MOST_DETAIL = 1_000;

/** Why a request is not taken. Caught in the receiver, and answered. */
export class Refusal extends Error {
  constructor(
    readonly slug: ProblemSlug,
    detail: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(detail.slice(0, MOST_DETAIL).toWellFormed());
  }
}

/** The problem document that tells the sender. */
export function problemReply({ slug, message, headers }: Refusal, accepted: number | undefined): HttpReply {
  const { status, title } = PROBLEMS[slug];
  const problem: Problem = {
    type: `${PROBLEM_TYPE_PREFIX}${slug}`,
    title,
    status,
    detail: message,
    ...(accepted !== undefined && { accepted }),
  };
  return { status, headers: { 'content-type': PROBLEM_TYPE, ...headers }, body: JSON.stringify(problem) };
}

/** Retry-After counts whole seconds. */
export const retryAfter = (ms: number): Readonly<Record<string, string>> => ({ 'retry-after': String(Math.max(1, Math.ceil(ms / 1_000))) });
