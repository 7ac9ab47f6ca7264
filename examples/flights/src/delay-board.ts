import { projector } from '@waybill/core';
import type { Projector } from '@waybill/core';
import { FlightDelayed, FlightDeparted, FlightLanded, FlightScheduled } from './flight-events.js';
import type { FlightEvent } from './flight-events.js';

/** One airport's line on the delay board. */
export interface BoardLine {
  readonly airport: string;
  readonly scheduled: number;
  readonly departed: number;
  readonly delayed: number;
  readonly delayMinutes: number;
  readonly longestDelay: number;
  readonly landed: number;
}

/** How a line is written is each database's own matter. */
export interface DelayBoard {
  /** Adds the counts to the airport's line, and raises its longest delay to this one's. */
  add(change: BoardLine): Promise<unknown>;
}

/** Keeps the board in the transaction that commits the events. */
export const delayBoard = <Tx>(open: (tx: Tx) => DelayBoard): Projector<Tx> =>
  projector<Tx>('delay-board').on([FlightScheduled, FlightDelayed, FlightDeparted, FlightLanded], (event, { tx }) =>
    open(tx).add(boardChange(event)),
  );

/** What one event changes on the board. */
export function boardChange(event: FlightEvent): BoardLine {
  const nothing = { airport: event.data.airport, scheduled: 0, departed: 0, delayed: 0, delayMinutes: 0, longestDelay: 0, landed: 0 };
  switch (event.type) {
    case 'FlightScheduled':
      return { ...nothing, scheduled: 1 };
    case 'FlightDelayed':
      return { ...nothing, delayed: 1, delayMinutes: event.data.delayMinutes, longestDelay: event.data.delayMinutes };
    case 'FlightDeparted':
      return { ...nothing, departed: 1 };
    case 'FlightLanded':
      return { ...nothing, landed: 1 };
  }
}

/** A board in memory: the same events give the same lines in any order. */
export class RecomputedBoard {
  readonly #lines = new Map<string, BoardLine>();

  add(event: FlightEvent): void {
    const change = boardChange(event);
    const line = this.#lines.get(change.airport);
    this.#lines.set(change.airport, line ? sum(line, change) : change);
  }

  lines(): ReadonlyMap<string, BoardLine> {
    return this.#lines;
  }
}

function sum(line: BoardLine, change: BoardLine): BoardLine {
  return {
    airport: line.airport,
    scheduled: line.scheduled + change.scheduled,
    departed: line.departed + change.departed,
    delayed: line.delayed + change.delayed,
    delayMinutes: line.delayMinutes + change.delayMinutes,
    longestDelay: Math.max(line.longestDelay, change.longestDelay),
    landed: line.landed + change.landed,
  };
}
