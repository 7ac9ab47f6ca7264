/** A request as it arrived. */
export interface ReceivedHttp {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the counting server is asked. It answers each with what has come since it was asked last. */
export type CountingOrder = 'counted' | 'recorded';

export type CountingReport =
  | { readonly kind: 'listening'; readonly port: number }
  /** Bodies of all requests, in the order in which they came. */
  | { readonly kind: 'counted'; readonly bodies: readonly string[] }
  | { readonly kind: 'recorded'; readonly requests: readonly ReceivedHttp[] };
