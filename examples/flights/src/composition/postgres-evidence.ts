import type { Pool } from 'pg';
import type { BoardLine } from '../delay-board.js';
import type { CommittedStream, DatabaseEvidence, EventOnRecord } from '../evidence.js';
import type { Notice } from '../long-delay-notices.js';

const STREAMS_AT_ONCE = 500;

interface OutboxRow extends Omit<EventOnRecord, 'revision'> {
  readonly stream: string;
  readonly revision: string;
}

/** What the tables say, by plain SQL. */
export class PostgresEvidence implements DatabaseEvidence {
  constructor(
    private readonly pool: Pool,
    private readonly schema: string,
  ) {}

  async *committedStreams(): AsyncGenerator<readonly CommittedStream[]> {
    for (let after = ''; ;) {
      const rows = await this.nextStreams(after);
      if (rows.length === 0) return;
      after = rows.at(-1)!.stream;
      yield byStream(rows);
    }
  }

  async board(): Promise<readonly BoardLine[]> {
    const { rows } = await this.pool.query<BoardLine>(`
      select airport, scheduled, departed, delayed, delay_minutes as "delayMinutes", longest_delay as "longestDelay", landed
      from ${this.schema}.delay_board`);
    return rows;
  }

  async noticesFor(messageIds: readonly string[]): Promise<readonly Notice[]> {
    if (messageIds.length === 0) return [];
    const { rows } = await this.pool.query<Notice>(
      `select message_id as "messageId", stream, text from ${this.schema}.long_delay_notice where message_id = any ($1)`,
      [messageIds],
    );
    return rows;
  }

  async noticeCount(): Promise<number> {
    const { rows } = await this.pool.query<{ count: string }>(`select count(*) from ${this.schema}.long_delay_notice`);
    return Number(rows[0]?.count);
  }

  private async nextStreams(after: string): Promise<readonly OutboxRow[]> {
    const { rows } = await this.pool.query<OutboxRow>(
      `select o.stream, o.revision, o.id, o.type, o.payload as data, o.recorded_at as at
       from (select stream from ${this.schema}.stream where stream > $1 order by stream limit ${STREAMS_AT_ONCE}) as next
       join ${this.schema}.outbox as o on o.stream = next.stream
       order by o.stream, o.revision`,
      [after],
    );
    return rows;
  }
}

function byStream(rows: readonly OutboxRow[]): readonly CommittedStream[] {
  const streams = new Map<string, EventOnRecord[]>();
  for (const { stream, revision, ...event } of rows) {
    const events = streams.get(stream) ?? [];
    streams.set(stream, events);
    events.push({ ...event, revision: BigInt(revision) });
  }
  return [...streams].map(([stream, events]) => ({ stream, events }));
}
