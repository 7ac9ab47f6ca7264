// What the tests look at; the demo itself is a program: demo.ts.
export type { CustomerTotals } from './customer-totals.js';
export { planOrders } from './shop/plan-orders.js';
export type { PlannedOrder } from './shop/plan-orders.js';
export { verdictOn } from './verdict.js';
export type { Verdict } from './verdict.js';
