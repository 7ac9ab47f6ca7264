/** The application's read model. */
export interface OrderDocument {
  readonly _id: string;
  readonly customerId: string;
  readonly totalCents: number;
}
