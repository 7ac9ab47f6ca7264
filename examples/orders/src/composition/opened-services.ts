import type { ShopBooks, ShippingBooks } from '../books/books.js';
import type { Shipping, ShippingOptions } from '../shipping/shipping.js';
import type { Shop, ShopOptions } from '../shop/shop.js';

/** What is a service's own on one database. From here on nothing knows which database it is. */
interface Opened {
  /** Creates tables or collections, Waybill's and the application's own, under a name that only this run uses. */
  create(): Promise<void>;
  /** Removes what `create` made. */
  drop(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenedShop extends Opened {
  shop(options: Omit<ShopOptions<never>, 'database' | 'orderList'>): Shop;
  /** What stands in its tables. */
  books(): Promise<ShopBooks>;
}

export interface OpenedShipping extends Opened {
  shipping(options: Omit<ShippingOptions<never>, 'database' | 'writeLabel'>): Shipping;
  books(): Promise<ShippingBooks>;
}
