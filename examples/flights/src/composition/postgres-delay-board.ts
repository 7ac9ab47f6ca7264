import type { PostgresTx } from '@waybill/postgres';
import type { BoardLine, DelayBoard } from '../delay-board.js';

export class PostgresDelayBoard implements DelayBoard {
  constructor(
    private readonly tx: PostgresTx,
    private readonly schema: string,
  ) {}

  static table(schema: string): string {
    return `
      create table ${schema}.delay_board (
        airport text primary key,
        scheduled integer not null,
        departed integer not null,
        delayed integer not null,
        delay_minutes integer not null,
        longest_delay integer not null,
        landed integer not null
      ) with (fillfactor = 50)`;
  }

  async add({ airport, scheduled, departed, delayed, delayMinutes, longestDelay, landed }: BoardLine): Promise<void> {
    await this.tx.query(
      `insert into ${this.schema}.delay_board as line
       values ($1, $2, $3, $4, $5, $6, $7)
       on conflict (airport) do update set
         scheduled = line.scheduled + excluded.scheduled,
         departed = line.departed + excluded.departed,
         delayed = line.delayed + excluded.delayed,
         delay_minutes = line.delay_minutes + excluded.delay_minutes,
         longest_delay = greatest(line.longest_delay, excluded.longest_delay),
         landed = line.landed + excluded.landed`,
      [airport, scheduled, departed, delayed, delayMinutes, longestDelay, landed],
    );
  }
}
