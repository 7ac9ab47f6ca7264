import type { Int64 } from './messages.js';

/** An unsigned 64-bit field as a bigint. */
export function bigintOf({ low, high }: Int64): bigint {
  return high === 0 ? BigInt(low >>> 0) : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

/** An unsigned 64-bit field as a number; exact up to 2^53, far beyond any offset or count this server holds. */
export function numberOf({ low, high }: Int64): number {
  return (high >>> 0) * 2 ** 32 + (low >>> 0);
}

export function int64Of(value: bigint): Int64 {
  return { low: Number(value & 0xffff_ffffn) | 0, high: Number((value >> 32n) & 0xffff_ffffn) | 0 };
}
