import type { Moment } from '@waybill/core';
import type { DatabasePlace } from './composition/databases.js';
import type { ShopTimes } from './shop/shop.js';

/** What the payment service is told when it starts. */
export interface PaymentOrder {
  /** The file of its books. */
  readonly ledger: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly death?: never;
}

/** Where a process ends itself, as a power cut would: at a named moment, when it gets there for the nth time. */
export interface Death {
  readonly moment: Moment;
  readonly nth: number;
}

/** What the shipping service is told when it starts. */
export interface ShippingOrder {
  readonly place: DatabasePlace;
  readonly eventstoredb: string;
  readonly leaseMs: number;
  readonly death?: Death;
}

/** What the shop is told when it starts. */
export interface ShopOrder {
  readonly place: DatabasePlace;
  readonly eventstoredb: string;
  /** Address of the payment service. */
  readonly payments: string;
  readonly times: ShopTimes;
  readonly death?: Death;
}

/** What each of them tells, once it works. */
export interface Ready {
  readonly kind: 'ready';
  /** Where it listens, if it does. */
  readonly port?: number;
}
