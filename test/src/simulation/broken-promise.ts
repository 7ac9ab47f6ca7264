/** What a simulated world holds its dispatchers to. */
export type PromiseName =
  | 'G1 committed is delivered'
  | 'G1 rolled back is never delivered'
  | 'G2 first acceptances in order, without holes'
  | 'G2 one order that respects causality'
  | 'G7 no write without the lease'
  | 'one deliverer by its own clocks'
  | 'G8 an outage burns no attempts'
  | 'G8 poison stops only its stream'
  | 'nothing is sent twice unless a person says so'
  | 'receipts say the truth'
  | 'the history has every try'
  | 'a stop ends and gives lanes back'
  | 'nobody spins'
  | 'nothing fails that nobody planned';

/** A promise that did not hold, and what was seen. */
export class BrokenPromise extends Error {
  constructor(
    readonly promise: PromiseName,
    readonly seen: string,
  ) {
    super(`${promise}: ${seen}`);
    this.name = 'BrokenPromise';
  }
}
