import type { FailedOutcome } from './call-options.js';

/** Nothing can have been sent yet when one of these is thrown. */
const BEFORE_SENDING = new Set([
  'TARGET_UNAVAILABLE',
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'UND_ERR_CONNECT_TIMEOUT',
  // What TLS says of a certificate comes before the request, too.
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]);

/** These tell of a connection, but not how far the request got. */
const IN_BETWEEN = new Set([
  'OUTCOME_UNKNOWN',
  'ABORT_ERR',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ERR_STREAM_PREMATURE_CLOSE',
]);

/**
 * What an error of a call tells about its outcome, by the codes of Node, undici (`fetch` too) and Waybill: `not-done` where nothing can have
 * been sent; `unknown` for time-outs, aborts and connections that broke; everything else was thrown because the target has answered.
 */
export function outcomeOf(error: unknown): FailedOutcome {
  for (let one = error, depth = 0; one instanceof Error && depth < 10; one = one.cause, depth += 1) {
    const { code, syscall } = one as NodeJS.ErrnoException;
    if (code !== undefined && BEFORE_SENDING.has(code)) return 'not-done';
    if (code !== undefined && IN_BETWEEN.has(code)) return syscall === 'connect' ? 'not-done' : 'unknown';
    if (one.name === 'TimeoutError' || one.name === 'AbortError') return 'unknown';
    // Of undici: headers and body time-outs, sockets that close, answers that cannot be read.
    if (typeof code === 'string' && /^(UND_ERR_|HPE_)/.test(code) && code !== 'UND_ERR_INVALID_ARG') return 'unknown';
  }
  return 'answered';
}
