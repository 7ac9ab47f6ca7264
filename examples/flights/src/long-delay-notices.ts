import { OutboxHandler } from '@waybill/core';
import type { HandlerContext, Message } from '@waybill/core';
import { FlightDelayed } from './flight-events.js';

export const LONG_DELAY_MINUTES = 120;

export const isLongDelay = ({ delayMinutes }: FlightDelayed['data']): boolean => delayMinutes >= LONG_DELAY_MINUTES;

/** A note to the passengers of one flight. */
export interface Notice {
  readonly messageId: string;
  readonly stream: string;
  readonly text: string;
}

/** How a notice is written is each database's own matter. Takes the same notice twice: only the inbox keeps it from being asked to. */
export interface NoticeBook {
  write(notice: Notice): Promise<unknown>;
}

/** Writes a notice for each long delay, after the commit and behind the inbox: once, however often the message arrives. */
export class LongDelayNotices<Tx> {
  constructor(private readonly open: (tx: Tx) => NoticeBook) {}

  @OutboxHandler(FlightDelayed, { name: 'long-delay-notice' })
  async onDelayed({ id, stream, data }: Message<FlightDelayed>, { tx }: HandlerContext<Tx>): Promise<void> {
    if (isLongDelay(data)) await this.open(tx).write(noticeOf(id, stream, data));
  }
}

export function noticeOf(messageId: string, stream: string, { airport, delayMinutes }: FlightDelayed['data']): Notice {
  const [hours, minutes] = [Math.floor(delayMinutes / 60), delayMinutes % 60];
  return { messageId, stream, text: `Your flight from ${airport} leaves ${hours} h ${minutes} min late. We are sorry.` };
}
