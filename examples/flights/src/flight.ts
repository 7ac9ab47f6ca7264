import { AggregateRoot } from '@waybill/core';
import { FlightDelayed, FlightDeparted, FlightLanded, FlightScheduled } from './flight-events.js';
import type { FlightEvent } from './flight-events.js';
import type { FlightRecord } from './flight-records.js';

/** From here on a flight counts as delayed, as in the statistics that the records come from. */
export const LATE_FROM_MINUTES = 15;

/** One flight: may leave once it is scheduled, and land once it has left. Knows nothing of any database. */
export class Flight extends AggregateRoot<FlightEvent> {
  readonly stream: string;
  #plan: FlightScheduled['data'] | undefined;
  #status: 'not scheduled' | 'scheduled' | 'in the air' | 'landed' = 'not scheduled';

  constructor(id: string) {
    super();
    this.stream = `flight-${id}`;
  }

  schedule({ origin, destination, date, distance }: Omit<FlightRecord, 'delay'>): void {
    this.#must('not scheduled');
    this.emit(FlightScheduled({ airport: origin, destination, departsAt: date, distanceMiles: distance }));
  }

  /** Leaves the gate. A late flight is announced as delayed first: two events in one commit. */
  depart(delayMinutes: number): void {
    const { airport } = this.#must('scheduled');
    if (delayMinutes >= LATE_FROM_MINUTES) this.emit(FlightDelayed({ airport, delayMinutes }));
    this.emit(FlightDeparted({ airport, delayMinutes }));
  }

  land(): void {
    const { destination, distanceMiles } = this.#must('in the air');
    this.emit(FlightLanded({ airport: destination, distanceMiles }));
  }

  protected override apply(event: FlightEvent): void {
    switch (event.type) {
      case 'FlightScheduled':
        this.#plan = event.data;
        this.#status = 'scheduled';
        break;
      case 'FlightDelayed':
        break; // it still has to leave
      case 'FlightDeparted':
        this.#status = 'in the air';
        break;
      case 'FlightLanded':
        this.#status = 'landed';
        break;
    }
  }

  #must(status: 'not scheduled'): void;
  #must(status: 'scheduled' | 'in the air'): FlightScheduled['data'];
  #must(status: string): FlightScheduled['data'] | undefined {
    if (this.#status !== status) throw new Error(`${this.stream} is ${this.#status}, not ${status}.`);
    return this.#plan;
  }
}
