import { defineEvent, InboxHandler } from '@waybill/core';
import type { ArrivedMessage, EventOf, HandlerContext, Message } from '@waybill/core';
import { anArrivedMessage } from '@waybill/testing';
import { z } from 'zod';

/** Of a carrier, whose events are not ours; its first schema did not count parcels, and its first name was another. */
export const ParcelShipped = defineEvent('ParcelShipped', z.object({ orderId: z.string() }), { formerly: ['OrderShipped'] }).next(
  z.object({ orderId: z.string(), parcels: z.number().int() }),
  ({ orderId }) => ({ orderId, parcels: 1 }),
);
export type ParcelShipped = EventOf<typeof ParcelShipped>;

/** A shipment as its sender sends it now. */
export const aParcel = (stream: string, revision = 0n, overrides: Partial<ArrivedMessage> = {}): ArrivedMessage =>
  anArrivedMessage(stream, revision, { type: 'ParcelShipped', schemaVersion: 2, json: { orderId: '7', parcels: 3 }, ...overrides });

/** So many of a stream, each naming the one before it. */
export const parcelsOf = (stream: string, count: number): readonly ArrivedMessage[] =>
  Array.from({ length: count }, (_, nth) => {
    const revision = BigInt(nth);
    return aParcel(stream, revision, { json: { orderId: String(nth), parcels: 1 }, previous: nth === 0 ? 'none' : revision - 1n });
  });

/** Writes down each shipment that it handles, and remembers the messages as it saw them. */
export class Warehouse<Tx> {
  readonly seen: Message<ParcelShipped>[] = [];
  /** Called first, with what has arrived. */
  before: (message: Message<ParcelShipped>) => void | Promise<void> = () => {};

  constructor(private readonly write: (entry: string, tx: Tx) => Promise<void>) {}

  @InboxHandler(ParcelShipped, { name: 'note-parcel' })
  async onShipped(message: Message<ParcelShipped>, { tx }: HandlerContext<Tx>): Promise<void> {
    this.seen.push(message);
    await this.write(`${message.stream} ${message.data.orderId}`, tx);
    await this.before(message);
  }
}
