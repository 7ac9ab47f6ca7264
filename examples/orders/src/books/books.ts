/** An order as the shop's own tables have it. */
export interface ListedOrder {
  readonly orderId: string;
  readonly totalCents: number;
  /** `placed`, `released`, `shipped` or `cancelled`. */
  readonly status: string;
  /** Why it was cancelled. */
  readonly reason: string | null;
}

/** What the shop's database says, by plain queries, not through Waybill. */
export interface ShopBooks {
  /** Ids of the orders whose `OrderPlaced` is committed. */
  readonly placed: readonly string[];
  /** The order list, as the projection has written it. */
  readonly orders: readonly ListedOrder[];
  /** Processes that go on yet, or wait for a person: `checkout 7 is running`. */
  readonly open: readonly string[];
  /** Cases that wait for a person. */
  readonly openCases: number;
  /** Those that a person has closed, with the reason. */
  readonly closedCases: readonly string[];
}

/** What the shipping service's database says: the orders of its labels, one for each parcel that left the house. */
export interface ShippingBooks {
  readonly labels: readonly string[];
}
