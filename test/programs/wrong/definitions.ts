import { defineEvent, projector } from '@waybill/core';
import type { UnitOfWork } from '@waybill/core';
import type { PostgresTx } from '@waybill/postgres';
import { given } from '@waybill/testing';
import { z } from 'zod';
import { OrderPlaced } from '../usage/orders/order-events.js';
import { Order } from '../usage/orders/order.js';

declare const unitOfWork: UnitOfWork<PostgresTx>;

// @ts-expect-error An event schema must accept its own output: what it returned is stored and validated again on every read
export const Transformed = defineEvent('X', z.object({ at: z.string().transform((text) => new Date(text)) }));

// @ts-expect-error Type 'number' is not assignable to type 'string'
export const Upcast = defineEvent('X', z.object({ a: z.number() })).next(z.object({ b: z.string() }), ({ a }) => ({ b: a }));

// @ts-expect-error Type 'string' is not assignable to type 'number'
export const payload = OrderPlaced({ customerId: 'c', totalCents: '1' });

// @ts-expect-error Property 'totalCent' does not exist on type
export const list = projector<PostgresTx>('x').on(OrderPlaced, async ({ data }) => data.totalCent);

// @ts-expect-error "OrderPlacd"
given(new Order('7'), { type: 'OrderPlacd', data: { reason: '' } });

// @ts-expect-error Expected 2 arguments, but got 1
await unitOfWork.run(async ({ load }) => (await load(Order)).cancel('x'));
