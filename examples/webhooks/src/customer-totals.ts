/** What one side holds of a customer. */
export interface CustomerTotals {
  readonly customerId: string;
  readonly orders: number;
  /** Events of these orders that are in the sums. */
  readonly messages: number;
  readonly totalCents: number;
}
