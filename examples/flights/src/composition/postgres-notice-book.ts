import type { PostgresTx } from '@waybill/postgres';
import type { Notice, NoticeBook } from '../long-delay-notices.js';

export class PostgresNoticeBook implements NoticeBook {
  constructor(
    private readonly tx: PostgresTx,
    private readonly schema: string,
  ) {}

  /** Not unique on purpose: a notice that was written twice has to show. */
  static table(schema: string): string {
    return `
      create table ${schema}.long_delay_notice (message_id uuid not null, stream text not null, text text not null);
      create index on ${schema}.long_delay_notice (message_id)`;
  }

  async write({ messageId, stream, text }: Notice): Promise<void> {
    await this.tx.query(`insert into ${this.schema}.long_delay_notice values ($1, $2, $3)`, [messageId, stream, text]);
  }
}
