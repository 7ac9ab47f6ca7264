// What the tests look at; the demo itself is a program: demo.ts.
export type { ListedOrder, ShippingBooks, ShopBooks } from './books/books.js';
