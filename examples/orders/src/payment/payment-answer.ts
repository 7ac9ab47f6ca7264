/** What the payment service answers. */
export interface PaymentAnswer {
  /** `pending`: nobody knows yet. The others stay as they are. */
  readonly state: 'taken' | 'declined' | 'pending' | 'refunded';
  readonly reason?: string;
}
