import type { Moment } from '@waybill/core';
import type { Address } from '../mongodb/mongodb-shop.js';
import type { PayingOptions } from './paying.js';

/** What a {@link file://./payer-process.ts} is told, as JSON. */
export interface PayerOrder extends Pick<PayingOptions, 'way' | 'url' | 'onUnknownOutcome'> {
  /** URL of the PostgreSQL database, or where the MongoDB one is. */
  readonly at: string | Address;
  readonly lanes: number;
  readonly run: string;
  /** Where it ends itself. */
  readonly killAt?: Moment;
}
