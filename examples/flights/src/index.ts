// What the tests look at; the demo itself is a program: demo.ts.
export { delayChart } from './chart.js';
export { RecomputedBoard } from './delay-board.js';
export type { BoardLine } from './delay-board.js';
export type { CommittedStream, DatabaseEvidence, EventOnRecord, EventStoreEvidence } from './evidence.js';
export { Flight } from './flight.js';
export { FlightDelayed, FlightDeparted, FlightLanded, FlightScheduled } from './flight-events.js';
export type { FlightEvent } from './flight-events.js';
export { airportNames, flightFile, flightRecords } from './flight-records.js';
export type { FlightRecord } from './flight-records.js';
export { noticeOf } from './long-delay-notices.js';
export type { Notice } from './long-delay-notices.js';
export { verify } from './verify.js';
export type { Fault, Verdict } from './verify.js';
