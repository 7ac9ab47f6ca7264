import { Catalogue, outboxMessage } from '@waybill/core';
import type { Checkpoint, DomainEvent, OutboxMessage } from '@waybill/core';
import { aMessage } from '@waybill/testing';
import { orderEvents } from '../shop/order.js';

/** An event of an order as its lane hands it to a sink. */
export function orderMessage({ type, data }: DomainEvent): OutboxMessage {
  const place = { stream: 'order-7', revision: 0n, position: 1n, recordedAt: new Date(), checkpoint: {} as Checkpoint };
  return outboxMessage({ ...aMessage(type), ...place, payload: JSON.stringify(data) }, new Catalogue(orderEvents));
}
