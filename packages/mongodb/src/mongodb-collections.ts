import { ReadConcern } from 'mongodb';
import type { Collection, Db, MongoClient } from 'mongodb';
import type {
  ActionDocument,
  ArrivalDocument,
  CaseDocument,
  ClaimDocument,
  DeliveredDocument,
  HistoryDocument,
  IdempotencyDocument,
  IdentityDocument,
  InstancesDocument,
  LaneDocument,
  LimitDocument,
  MarkDocument,
  OutboxDocument,
  PassedDocument,
  ProcessDocument,
  ProjectionDocument,
  RouteDocument,
  SequencerDocument,
  SignalDocument,
  SnapshotDocument,
  StoppedStreamDocument,
  StreamDocument,
  SubscriptionDocument,
  SubscriptionLeaseDocument,
  TimeoutDocument,
} from './stored-documents.js';

/** Waybill's own collections. Read and written by majority, whatever the client's defaults: what a fail-over takes back was never there. */
export class MongoDBCollections {
  readonly outbox: Collection<OutboxDocument>;
  readonly streams: Collection<StreamDocument>;
  readonly marks: Collection<MarkDocument>;
  readonly sequencer: Collection<SequencerDocument>;
  readonly signals: Collection<SignalDocument>;
  readonly lanes: Collection<LaneDocument>;
  readonly stopped: Collection<StoppedStreamDocument>;
  readonly delivered: Collection<DeliveredDocument>;
  readonly routes: Collection<RouteDocument>;
  readonly instances: Collection<InstancesDocument>;
  readonly actions: Collection<ActionDocument>;
  readonly history: Collection<HistoryDocument>;
  readonly inbox: Collection<ClaimDocument>;
  readonly arrivals: Collection<ArrivalDocument>;
  readonly idempotency: Collection<IdempotencyDocument>;
  readonly snapshots: Collection<SnapshotDocument>;
  readonly limits: Collection<LimitDocument>;
  readonly subscriptions: Collection<SubscriptionDocument>;
  readonly subscriptionLeases: Collection<SubscriptionLeaseDocument>;
  readonly passed: Collection<PassedDocument>;
  readonly projections: Collection<ProjectionDocument>;
  readonly processes: Collection<ProcessDocument>;
  readonly timeouts: Collection<TimeoutDocument>;
  readonly cases: Collection<CaseDocument>;
  readonly identity: Collection<IdentityDocument>;
  /** Where they are. */
  readonly db: Db;

  constructor(
    readonly client: MongoClient,
    database: string,
    readonly prefix: string,
    readonly laneCount: number,
  ) {
    // An application may let its client read values in many shapes; ours are read in these. Not as bigint: the driver reads the server's
    // own fields by the same options, and a bigint in the version of the topology, as a step-down sends it, ends the process.
    this.db = client.db(database, {
      ...{ readPreference: 'primary', readConcern: new ReadConcern('majority'), writeConcern: { w: 'majority' } },
      ...{ promoteValues: true, promoteLongs: false, promoteBuffers: false, useBigInt64: false, ignoreUndefined: true },
      ...{ raw: false, bsonRegExp: false, serializeFunctions: false, checkKeys: false },
    });
    const named = <Document extends { readonly _id: unknown }>(name: string): Collection<Document> =>
      this.db.collection<Document>(`${prefix}${name}`);
    this.outbox = named('outbox');
    this.streams = named('streams');
    this.marks = named('marks');
    this.sequencer = named('sequencer');
    this.signals = named('signals');
    this.lanes = named('lanes');
    this.stopped = named('stopped_streams');
    this.delivered = named('delivered_streams');
    this.routes = named('routes');
    this.instances = named('instances');
    this.actions = named('actions');
    this.history = named('history');
    this.inbox = named('inbox');
    this.arrivals = named('arrivals');
    this.idempotency = named('idempotency');
    this.snapshots = named('snapshots');
    this.limits = named('limits');
    this.subscriptions = named('subscriptions');
    this.subscriptionLeases = named('subscription_leases');
    this.passed = named('passed_streams');
    this.projections = named('projections');
    this.processes = named('processes');
    this.timeouts = named('timeouts');
    this.cases = named('cases');
    this.identity = named('identity');
  }

  get all(): readonly Collection<never>[] {
    const { outbox, streams, marks, sequencer, signals, lanes, stopped, delivered, routes, instances } = this;
    const { actions, history, inbox, arrivals, idempotency, snapshots, limits, identity } = this;
    const { subscriptions, subscriptionLeases, passed, projections, processes, timeouts, cases } = this;
    return [
      ...[outbox, streams, marks, sequencer, signals, lanes, stopped, delivered, routes, instances],
      ...[actions, history, inbox, arrivals, idempotency, snapshots, limits, identity],
      ...[subscriptions, subscriptionLeases, passed, projections, processes, timeouts, cases],
    ] as unknown as readonly Collection<never>[];
  }
}
