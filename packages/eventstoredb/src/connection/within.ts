import type { Clock } from '@waybill/core';

/** The outcome, or an error when there is none after `ms` milliseconds. The work goes on; its late outcome is of no interest. */
export async function within<Result>(work: Promise<Result>, { clock, ms, what }: { clock: Clock; ms: number; what: string }): Promise<Result> {
  let cancel = (): void => {};
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`no ${what.replace(/^an? /, '')} within ${ms} ms`)));
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    cancel();
  }
}
