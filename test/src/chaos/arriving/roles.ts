import { Consumer, ProcessManagers, Projections, projectorOf, UnitOfWork } from '@waybill/core';
import type { ConsumerEvents, Database, EventLog, ProjectionsEvents, Reached, Receiver } from '@waybill/core';
import type { EventStoreDB } from '@waybill/eventstoredb';
import { FeeAsked, parcelMessages, ParcelShipped } from './arriving-messages.js';
import type { ArrivingOrder, Role } from './arriving-order.js';
import { ParcelList, Parcels } from './handlers.js';
import type { Means } from './handlers.js';
import { searchProcess } from './search-process.js';

export interface Stage extends Means {
  readonly order: ArrivingOrder;
  readonly database: Database;
  readonly eventstore: EventStoreDB;
  readonly print: (name: string, event: object) => void;
}

/** What a role runs. */
export interface Running {
  start(): Promise<void>;
  stop(): Promise<void>;
}

const SILENCE_MS = 500;
const retry = { firstMs: 10, maxMs: 100 };

export const roles: Readonly<Record<Role, (stage: Stage) => Running>> = {
  log: (stage) => consumer(stage, followed(stage), [new Parcels(stage)]),
  group: (stage) => consumer(stage, handedOut(stage), [new Parcels(stage)]),
  projection: (stage) => {
    const projections = projectionsOf(stage, followed(stage));
    for (const name of [...FOLLOWER_EVENTS, 'rebuilding', 'switched', 'retired', 'trouble'] as const)
      projections.on(name, (event: ProjectionsEvents[typeof name]) => stage.print(name, event));
    return projections;
  },
  process: (stage) => {
    const { database, reached, print } = stage;
    // Of the time-outs alone: what it does with messages belongs to the consumer's transaction.
    const unitOfWork = unitOfWorkOf(stage, (moment) => reached(`process-${moment as 'appended' | 'committed'}`));
    const processes = [searchProcess(stage)];
    const managers = new ProcessManagers({ database, unitOfWork, processes, pollMs: 20 });
    for (const name of ['timed-out', 'asked', 'stuck', 'trouble'] as const) managers.on(name, (event) => print(name, event));
    const arrivals = consumer(stage, followed(stage), [managers]);
    return {
      start: async () => void (await Promise.all([arrivals.start(), managers.start()])),
      stop: async () => void (await Promise.all([arrivals.stop(), managers.stop()])),
    };
  },
};

/** The same in a process that only gives orders, and looks. */
export const projectionsOf = (
  { order: { instance, leaseMs }, database, reached, ...means }: Pick<Stage, 'order' | 'database' | keyof Means>,
  log: EventLog,
): Projections =>
  new Projections({
    ...{ database, log, instance, leaseMs, retry, reached, batchSize: 2, retireAfterMs: 0 },
    ...{ catalogue: [ParcelShipped, FeeAsked], projections: [projectorOf(new ParcelList({ ...means, reached }))] },
  });

const FOLLOWER_EVENTS = ['acquired', 'released', 'lease-lost', 'advanced', 'caught-up', 'waiting', 'stopped'] as const;
const RECEIVER_EVENTS = ['acked', 'retried', 'parked', 'outage'] as const;

function consumer(stage: Stage, receiver: EventLog | Receiver, handlers: readonly object[]): Consumer<unknown> {
  const { order, database, reached, print } = stage;
  const { instance, leaseMs } = order;
  const consuming = new Consumer<unknown>({
    ...{ name: 'parcels', receiver, database, unitOfWork: unitOfWorkOf(stage, reached), handlers, retry, reached, stopWithinMs: 2_000 },
    ...('follow' in receiver && { instance, leaseMs }),
  });
  for (const name of [...FOLLOWER_EVENTS, ...RECEIVER_EVENTS])
    consuming.on(name, (event: ConsumerEvents[typeof name]) => print(name, event));
  return consuming;
}

const unitOfWorkOf = ({ database }: Stage, reached: Reached): UnitOfWork<unknown> =>
  new UnitOfWork({ database, catalogue: parcelMessages, reached });

const followed = ({ eventstore, order: { category } }: Stage): EventLog => eventstore.subscribe({ category }, { silenceMs: SILENCE_MS });

const handedOut = ({ eventstore, order: { category } }: Stage): Receiver =>
  eventstore.persistentSubscription(
    { category },
    { group: 'parcels', silenceMs: SILENCE_MS, create: { answerTimeoutMs: 2_000, maxRetries: 50 } },
  );
