import type { Ending } from './ending.js';

/**
 * Work that is done at once but for the places where it has to wait for an open transaction to end: there it yields that ending, and is
 * taken up again after it. Between two yields nothing else runs.
 */
export type Steps<Result> = Generator<Ending, Result, void>;
