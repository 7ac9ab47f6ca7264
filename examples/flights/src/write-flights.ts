import type { Scope, UnitOfWork } from '@waybill/core';
import { Flight } from './flight.js';
import type { FlightRecord } from './flight-records.js';
import { RolledBackOnPurpose } from './stormy-weather.js';

export interface WriteOptions {
  readonly records: AsyncIterator<FlightRecord>;
  readonly unitOfWork: UnitOfWork;
  /** Flights get the ids `<run>-<place in the file>`. */
  readonly run: string;
  readonly random: () => number;
  readonly signal: AbortSignal;
  /** After each commit, with the number of its events. */
  readonly onCommit: (events: number) => void;
  readonly onRollback: () => void;
}

/** Commands of one flight; each is a unit of work of its own. */
export const COMMANDS_A_FLIGHT = 3;

const SIDE_BY_SIDE = 8; // on two cores more writers commit no more, and leave the dispatcher less
const UNDER_WAY = 250; // flights between their first and their last command: all that is kept in memory

interface FlightUnderWay {
  readonly id: string;
  readonly record: FlightRecord;
  commandsDone: number;
}

/** Turns every record into commands: many flights under way at once, in an order that the random numbers decide. */
export async function writeFlights(options: WriteOptions): Promise<void> {
  const { records, run, random } = options;
  const failed = new AbortController();
  const signal = AbortSignal.any([options.signal, failed.signal]);
  const waiting: FlightUnderWay[] = [];
  let [place, ended] = [0, false];

  const next = async (): Promise<FlightUnderWay | undefined> => {
    while (waiting.length < UNDER_WAY && !ended) {
      const record = await records.next();
      if (record.done) ended = true;
      else waiting.push({ id: `${run}-${place++}`, record: record.value, commandsDone: 0 });
    }
    const index = Math.floor(random() * waiting.length);
    const chosen = waiting[index];
    if (chosen) waiting[index] = waiting.at(-1)!;
    waiting.pop();
    return chosen;
  };
  const write = async (): Promise<void> => {
    for (let flight = await next(); flight && !signal.aborted; flight = await next()) {
      await command(flight, options);
      flight.commandsDone += 1;
      if (flight.commandsDone < COMMANDS_A_FLIGHT) waiting.push(flight);
    }
  };
  try {
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, write));
  } finally {
    failed.abort(); // one failed: the others stop after the command in hand
  }
}

async function command(flight: FlightUnderWay, options: WriteOptions): Promise<void> {
  const { unitOfWork, onCommit, onRollback } = options;
  for (;;) {
    try {
      const receipt = await unitOfWork.run((scope) => carryOut(flight, scope));
      return onCommit(receipt.messages.length);
    } catch (error) {
      if (!(error instanceof RolledBackOnPurpose)) throw error;
      onRollback(); // nothing of it may ever arrive; the next try is a commit of its own
    }
  }
}

async function carryOut({ id, record, commandsDone }: FlightUnderWay, { track, load }: Scope): Promise<void> {
  if (commandsDone === 0) track(new Flight(id)).schedule(record);
  else if (commandsDone === 1) (await load(Flight, id)).depart(record.delay);
  else (await load(Flight, id)).land();
}
