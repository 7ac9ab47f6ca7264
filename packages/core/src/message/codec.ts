/** Turns payloads into JSON values and back. The name is stored with every message: never reuse one for another format. */
export interface PayloadCodec {
  readonly name: string;
  /** @returns a value that `JSON.stringify` keeps */
  encode(data: unknown): unknown;
  decode(json: unknown): unknown;
}

/** Payloads that are JSON already. A `Date` becomes text: let the schema coerce it back. */
export const jsonCodec: PayloadCodec = { name: 'json', encode: (data) => data, decode: (json) => json };
