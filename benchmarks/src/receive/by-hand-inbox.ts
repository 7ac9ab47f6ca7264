/** What is written by hand so that a message is handled once: `insert ... on conflict do nothing`. */
export interface ByHandInbox {
  /** In a transaction of its own, in which the effects of a handler would be. @returns false for a duplicate */
  inTransaction(messageId: string): Promise<boolean>;
  /** The insert by itself: no effect could commit with it. @returns false for a duplicate */
  alone(messageId: string): Promise<boolean>;
  /** How many it remembers. */
  count(): Promise<number>;
}
