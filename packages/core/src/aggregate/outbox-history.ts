import type { EventHistory } from './event-history.js';

/**
 * For applications without an event store: the outbox is the only history, so its rows must be kept for ever.
 *
 * `new UnitOfWork({ database, catalogue, history: new OutboxHistory({ retention: 'keep' }) })`. Loading reads every row of the
 * stream from the outbox anyway, so this history adds nothing; it is the written promise that no row is ever removed. No dispatcher
 * may have `keepMessagesMs` then: a stream that lacks a row is refused (`STREAM_GAP`), never loaded without it.
 */
export class OutboxHistory implements EventHistory {
  constructor(readonly options: { readonly retention: 'keep' }) {}

  async *read(): AsyncIterable<never> {}
}
