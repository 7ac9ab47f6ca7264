import { checkedLimit } from '@waybill/core';
import type { CheckedLimit, LimitAnswer, LimitRequest, SharedLimits } from '@waybill/core';
import type { Document } from 'mongodb';
import type { MongoDBCollections } from './mongodb-collections.js';
import { translate } from './mongodb-errors.js';

/** Who waited for another one asks with the time at which he began to. By more than this, a clock has gone back. */
const LONGEST_RACE_MS = 10_000;

/** A limit is one document, and to ask is one command: the server lets no two of them change it side by side. */
export class MongoDBLimits implements SharedLimits {
  constructor(private readonly collections: MongoDBCollections) {}

  async acquire(request: LimitRequest): Promise<LimitAnswer> {
    const asked = checkedLimit(request);
    try {
      const stored = await this.collections.limits.findOneAndUpdate(
        { _id: asked.name },
        [{ $set: atThisTime(asked) }, { $set: { told: answerTo(asked) } }, { $set: taken(asked) }],
        { upsert: true, returnDocument: 'after' },
      );
      const { refusedBy: by, waitMs } = stored!.told;
      return by === null ? { granted: true } : { granted: false, by, waitMs: Math.ceil(waitMs) };
    } catch (error) {
      throw translate(error);
    }
  }

  async release(name: string, permit: string): Promise<void> {
    try {
      await this.collections.limits.updateOne({ _id: name }, { $pull: { permits: { id: permit.toLowerCase() } } });
    } catch (error) {
      throw translate(error);
    }
  }
}

/** What has run out is gone, and the bucket is filled. */
function atThisTime({ rate }: CheckedLimit): Document {
  const permits = { $filter: { input: { $ifNull: ['$permits', []] }, as: 'one', cond: { $gt: ['$$one.until', '$$NOW'] } } };
  if (!rate) return { permits };
  const passedMs = { $max: [0, { $subtract: ['$$NOW', { $ifNull: ['$filledAt', '$$NOW'] }] }] };
  const tokens = {
    $min: [rate.burst, { $add: [{ $ifNull: ['$tokens', rate.burst] }, { $divide: [{ $multiply: [passedMs, rate.limit] }, rate.perMs] }] }],
  };
  const goneBack = { $gt: ['$filledAt', { $add: ['$$NOW', LONGEST_RACE_MS] }] };
  return { permits, tokens, filledAt: { $cond: [goneBack, '$$NOW', { $max: ['$filledAt', '$$NOW'] }] } };
}

function answerTo({ permit, concurrency, rate }: CheckedLimit): Document {
  const told = (refusedBy: string | null, waitMs: unknown): Document => ({ refusedBy, waitMs: { $toDouble: waitMs } });
  const branches: Document[] = [{ case: { $in: [permit, '$permits.id'] }, then: { ...told(null, 0), held: true } }];
  if (concurrency !== undefined)
    branches.push({
      case: { $gte: [{ $size: '$permits' }, concurrency] },
      then: told('concurrency', { $subtract: [{ $min: '$permits.until' }, '$$NOW'] }),
    });
  if (rate)
    branches.push({
      case: { $lt: ['$tokens', 1] },
      then: told('rate', { $divide: [{ $multiply: [{ $subtract: [1, '$tokens'] }, rate.perMs] }, rate.limit] }),
    });
  return { $switch: { branches, default: { ...told(null, 0), held: false } } };
}

function taken({ permit, permitMs, concurrency, rate }: CheckedLimit): Document {
  const granted = { $eq: ['$told.refusedBy', null] };
  const others = { $filter: { input: '$permits', as: 'one', cond: { $ne: ['$$one.id', permit] } } };
  const own = { id: permit, until: { $add: ['$$NOW', permitMs] } };
  return {
    ...(concurrency !== undefined && { permits: { $cond: [granted, { $concatArrays: [others, [own]] }, '$permits'] } }),
    ...(rate && { tokens: { $cond: [{ $and: [granted, { $not: ['$told.held'] }] }, { $subtract: ['$tokens', 1] }, '$tokens'] } }),
  };
}
