import { Long } from 'mongodb';

/** A bigint as MongoDB's 64-bit integer. A plain number would be stored as 32 bits, or as a double. */
export const int64 = (value: bigint): Long => Long.fromBigInt(value);
