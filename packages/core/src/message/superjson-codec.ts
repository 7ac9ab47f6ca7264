import { deserialize, serialize } from 'superjson';
import type { SuperJSONResult } from 'superjson';
import type { PayloadCodec } from './codec.js';

/**
 * Keeps `bigint`, `Date`, `Map`, `Set`, `URL` and `undefined` in payloads: `defineEvent(type, schema, { codec: superjsonCodec })`.
 *
 * Needs the optional peer dependency `superjson`. Readers outside Waybill see `{ json, meta }`.
 */
export const superjsonCodec: PayloadCodec = {
  name: 'superjson',
  encode: (data) => serialize(data),
  decode: (json) => deserialize(json as SuperJSONResult),
};
