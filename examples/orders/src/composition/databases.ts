import { shippingOnMongoDB, shopOnMongoDB } from './mongodb.js';
import type { OpenedShipping, OpenedShop } from './opened-services.js';
import { shippingOnPostgres, shopOnPostgres } from './postgres.js';

const known = {
  postgres: { shop: shopOnPostgres, shipping: shippingOnPostgres },
  mongodb: { shop: shopOnMongoDB, shipping: shippingOnMongoDB },
};

/** The databases that the demo knows. */
export type DatabaseKind = keyof typeof known;
export const DATABASES = Object.keys(known) as readonly DatabaseKind[];

export interface DatabasePlace {
  readonly database: DatabaseKind;
  readonly url: string;
  /** Tells the runs on one server apart. */
  readonly run: string;
}

export const openShop = ({ database, url, run }: DatabasePlace): OpenedShop => known[database].shop(url, `waybill_shop_${run}`);
export const openShipping = ({ database, url, run }: DatabasePlace): OpenedShipping =>
  known[database].shipping(url, `waybill_shipping_${run}`);
