import type { Mark, OutboxIdentity } from '@waybill/core';
import { int64 } from './int64.js';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';
import { refuseUnmigrated } from './schema/identity.js';

/** The outbox's last mark, in the document that says where it was made. Written by majority: no fail-over takes it back. */
export class MongoDBIdentity implements OutboxIdentity {
  constructor(private readonly collections: MongoDBCollections) {}

  async mark(): Promise<Mark> {
    const { outboxId, mark } = await refuseUnmigrated(this.collections);
    return { outboxId: outboxId!, number: mark!.number.toBigInt(), nonce: mark!.nonce };
  }

  async advance(from: Mark, to: Mark): Promise<boolean> {
    try {
      const { matchedCount } = await this.collections.identity.updateOne(
        { _id: 'outbox', outboxId: from.outboxId, 'mark.number': int64(from.number), 'mark.nonce': from.nonce },
        { $set: { mark: { number: int64(to.number), nonce: to.nonce } } },
      );
      return matchedCount === 1;
    } catch (error) {
      throw translate(error);
    }
  }
}
