import { AggregateRoot } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { ParcelRefused, ParcelShipped } from '../messages.js';

/** The parcel of an order: is shipped or refused, once. */
export class Parcel extends AggregateRoot<EventOf<typeof ParcelShipped> | EventOf<typeof ParcelRefused>> {
  readonly stream: string;

  constructor(private readonly orderId: string) {
    super();
    this.stream = `parcel-${orderId}`;
  }

  ship(): void {
    this.emit(ParcelShipped({ orderId: this.orderId }));
  }

  refuse(reason: string): void {
    this.emit(ParcelRefused({ orderId: this.orderId, reason }));
  }

  protected override apply(): void {} // it has no second act
}
