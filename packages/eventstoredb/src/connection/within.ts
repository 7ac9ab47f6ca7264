import type { Clock } from '@waybill/core';

export interface WithinOptions {
  readonly clock: Clock;
  readonly ms: number;
  /** Names what did not come, for the error. */
  readonly what: string;
}

/** The outcome, or an error when there is none after `ms` milliseconds. The work goes on; its late outcome is of no interest. */
export async function within<Result>(work: Promise<Result>, { clock, ms, what }: WithinOptions): Promise<Result> {
  let cancel = (): void => {};
  const tooLate = new Promise<never>((_, reject) => {
    cancel = clock.after(ms, () => reject(new Error(`no ${what} within ${ms} ms`)));
  });
  work.catch(() => {});
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    cancel();
  }
}
