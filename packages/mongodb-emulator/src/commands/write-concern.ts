import type { Document } from 'bson';
import { numberTypeOf, toNumber } from '../values/number.js';

/** What an answer says where more members were asked for than there are. The write is done all the same. */
export function writeConcernErrorOf({ writeConcern }: Document): Document {
  const w = (writeConcern as Document | undefined)?.w as unknown;
  if (numberTypeOf(w) === undefined || toNumber(w) <= 1) return {};
  return { writeConcernError: { code: 100, codeName: 'UnsatisfiableWriteConcern', errmsg: 'Not enough data-bearing nodes' } };
}
