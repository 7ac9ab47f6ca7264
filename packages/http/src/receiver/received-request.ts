/** An HTTP request as plain data, from whatever server. */
export interface ReceivedRequest {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: RequestHeaders;
  /** As it came over the wire. Parsed and written again, it would have another signature. */
  readonly body: Uint8Array | AsyncIterable<Uint8Array>;
  /** Aborts when the client has hung up. */
  readonly signal?: AbortSignal;
}

export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** An answer as plain data. */
export interface HttpReply {
  readonly status: number;
  /** Names in lower case. `connection: close` where the rest of the body is not worth waiting for. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON text; empty for HEAD. */
  readonly body: string;
}

/** One text, also where a header came more than once. */
export function headerOf(headers: RequestHeaders, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined;
  return typeof value === 'object' ? value.join(', ') : value;
}
