import { delay, systemClock } from '@waybill/core';

/** What the promise gives, or `undefined` when the time is up or the signal aborts first; then what becomes of it is of no interest. */
export async function within<Result>(ms: number, promise: Promise<Result>, signal?: AbortSignal): Promise<Result | undefined> {
  const done = new AbortController();
  const waited = delay(systemClock, ms, AbortSignal.any([done.signal, ...(signal ? [signal] : [])]));
  promise.catch(() => {});
  try {
    return await Promise.race([promise, waited.then(() => undefined)]);
  } finally {
    done.abort();
  }
}
