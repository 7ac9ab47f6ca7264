import { isWaybillError } from '@waybill/core';

/** Acts in a transaction of its own; comes again where the database chose another one. */
export async function againAfterConflicts<Result>(act: () => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (!isWaybillError(error, 'TRANSACTION_CONFLICT')) throw error;
    }
  }
}
