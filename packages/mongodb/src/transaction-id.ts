/** What a transaction can be found by after its answer was lost: a message and its place, or the mark of one that had no message. */
export interface TransactionTrace {
  readonly message?: { readonly id: string; readonly stream: string; readonly revision: string };
  readonly mark?: string;
}

export const transactionId = (trace: TransactionTrace): string => JSON.stringify(trace);
export const transactionOf = (id: string): TransactionTrace => JSON.parse(id) as TransactionTrace;
