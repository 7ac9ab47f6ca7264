import type {
  CaseKind,
  DeliveryOutcome,
  LaneState,
  MessageKind,
  ProcessStatus,
  RecordedAction,
  StoppedState,
  StoredStep,
  SubscriptionState,
} from '@waybill/core';
import { Timestamp } from 'mongodb';
import type { Binary, Long } from 'mongodb';

/** A message in the outbox. */
export interface OutboxDocument {
  /** The key order counts: a stream is read as a range of these. */
  readonly _id: { readonly stream: string; readonly revision: Long };
  /** The message id. */
  readonly id: string;
  readonly lane: number;
  readonly kind: MessageKind;
  readonly type: string;
  readonly schemaVersion: number;
  readonly codec: string;
  /** JSON text, as it was encoded at commit. */
  readonly payload: string;
  /** JSON text: keys may hold dots and dollars. */
  readonly metadata: string;
  readonly aggregate?: { readonly type: string; readonly id: string };
  readonly occurredAt: Date;
  /** The cluster time of the insert: later than every commit that this transaction could have seen. */
  readonly at: Timestamp;
  /** Until the sequencer has given it its position. */
  readonly pending?: true;
  readonly position?: Long;
  /** A sink of whole streams has a placeholder in its place. */
  readonly placeholder?: true;
}

/** Head of a stream. */
export interface StreamDocument {
  readonly _id: string;
  /** Absent where somebody looked for what became of a transaction, and found nothing. */
  readonly revision?: Long;
  readonly looks?: number;
}

/** The one document that numbers are drawn from: every batch writes it, which fences out every other sequencer. */
export interface SequencerDocument {
  readonly _id: 'sequencer';
  /** Last position that was given. */
  readonly position: Long;
  readonly owner: string;
  /** Grows with every tenure; each batch of a tenure is fenced by it. */
  readonly epoch: Long;
  readonly leaseUntil: Date;
  /** In which the owner runs its batches: whoever takes over ends it first, with the transaction that may be open in it. */
  readonly session: Binary | null;
  /** `noticeText` of the last batch. */
  readonly notice: string;
  /** Set when the number of lanes was changed: only who knows the new one numbers messages. */
  readonly lanes?: number;
}

/** One a kind of hint, written only to be watched. */
export interface SignalDocument {
  readonly _id: 'committed' | 'action';
  readonly notice: string;
}

export interface LaneDocument {
  readonly _id: { readonly route: string; readonly lane: number };
  readonly owner: string | null;
  readonly epoch: Long;
  readonly leaseUntil: Date;
  readonly leaseMs: number;
  /** Of the call that took the lane. */
  readonly grant: string;
  readonly released: boolean;
  readonly position: Long;
  readonly state: LaneState;
  readonly failure: FailureDocument | null;
  /** Absent where version 1 wrote the lane. */
  readonly suspects?: number;
  /** In which the holder runs the transaction of a settlement: whoever takes over ends it first, with what may be open in it. */
  readonly session?: Binary | null;
}

export interface FailureDocument {
  readonly messageId: string;
  readonly stream: string;
  readonly revision: Long;
  readonly attempts: number;
  readonly nextTryAt: Date | null;
  readonly code: string;
  readonly error: string;
}

/** A stream that a lane leaves out. The key order counts: a lane's are read as a range of these. */
export interface StoppedStreamDocument {
  readonly _id: { readonly route: string; readonly lane: number; readonly stream: string };
  readonly fromRevision: Long;
  readonly state: StoppedState;
  readonly failure: FailureDocument;
  readonly stoppedAt: Date;
}

/** The last message of a stream that a route delivered. The key order counts. */
export interface DeliveredDocument {
  readonly _id: {
    /** As `deliveredAs` calls the route: a rename leaves it alone, and a route that is made anew has another. */
    readonly route: string;
    readonly stream: string;
  };
  readonly revision: Long;
}

export interface RouteDocument {
  readonly _id: string;
  readonly order: 'stream' | 'global';
  readonly types: readonly string[] | null;
  readonly streams: readonly string[] | null;
  readonly start: 'beginning' | 'now';
  readonly retiredAt?: Date;
  /** What history and audit call it: the name that it had first, or one of its own where that was taken. Absent where it is the name. */
  readonly recordedAs?: string;
  /** Of this route alone, and not of one that had its name before or has it later. Absent where an older version made it. */
  readonly life?: string;
}

/** The dispatchers of one route: one document, so that a beat is one command. */
export interface InstancesDocument {
  /** The route. */
  readonly _id: string;
  readonly live: readonly InstanceDocument[];
}

export interface InstanceDocument {
  readonly id: string;
  readonly name: string;
  readonly aliveMs: number;
  readonly aliveUntil: Date;
}

export interface ActionDocument {
  readonly _id: string;
  readonly route: string;
  readonly lane: number;
  readonly kind: RecordedAction['kind'];
  readonly messageId: string | null;
  /** Absent where version 1 wrote it, as is who asked. */
  readonly stream?: string | null;
  readonly reason: string | null;
  readonly requestedBy?: string | null;
  readonly at: Timestamp;
  /** Among those that one settlement recorded. */
  readonly nth?: number;
  readonly requestedAt: Date;
  readonly executedAt: Date | null;
  readonly outcome: 'done' | 'refused' | null;
  readonly note: string | null;
}

/** One try, with one message or a batch. */
export interface HistoryDocument {
  /** What no two tries have in common: to record a try again changes nothing. */
  readonly _id: HistoryKey;
  readonly instance: string;
  readonly durationMs: number;
  readonly detail: string | null;
  readonly batchSize: number;
  /** Of what was delivered: all ids in one text, with a blank between two. They are many, and an array of them costs each message. */
  readonly delivered?: string;
  /** Of what was not. */
  readonly messageIds?: readonly string[];
  /** Only these are indexed by message id: they have one each, as a rule. */
  readonly notDelivered?: true;
  /** When it was recorded, by the server's clock. */
  readonly at: Date;
  /** The cluster time of that: later than the insert of every message that was tried. */
  readonly clusterTime: Timestamp;
  /** Of the process that recorded it, so that of two at the same time the later is known. */
  readonly nth: number;
}

export interface HistoryKey {
  /** As it is {@link RouteDocument.recordedAs}. */
  readonly route: string;
  readonly lane: number;
  readonly startedAt: Date;
  readonly messageId: string;
  readonly outcome: DeliveryOutcome;
}

export interface ClaimDocument {
  readonly _id: { readonly handler: string; readonly messageId: string };
  readonly source: string;
  readonly firstAttemptAt: Date;
  /** Made under a lane of this database: of no use any more once the outbox has no message of this id. */
  readonly byLane?: true;
  readonly message?: string;
}

/** Where a subscription is, and what it stands at. Its transactions write it; beside them only who takes it over. */
export interface SubscriptionDocument {
  readonly _id: string;
  readonly positions: string;
  /** Of this subscription alone, and not of one that had its name before or has it later. */
  readonly life: string;
  /** Under which transactions of its holder are fenced. */
  readonly epoch: Long;
  readonly position: Long | null;
  readonly lastMessage: Long | null;
  readonly state: SubscriptionState;
  readonly failure: SubscriptionFailureDocument | null;
  readonly lastOccurredAt: Date | null;
  readonly messages: Long;
  readonly movedAt: Date | null;
  /** Written to lock it. */
  readonly looks?: number;
}

export interface SubscriptionFailureDocument {
  readonly message: {
    readonly stream: string;
    readonly revision: Long;
    readonly id: string;
    readonly type: string;
    readonly position: Long;
  } | null;
  readonly attempts: number;
  readonly nextTryAt: Date | null;
  readonly code: string;
  readonly error: string;
}

/** Who holds a subscription, and what operators want of it. It stays when the subscription is removed: the next one of its name goes on with the epoch. */
export interface SubscriptionLeaseDocument {
  readonly _id: string;
  readonly epoch: Long;
  readonly owner: string | null;
  readonly leaseUntil: Date;
  readonly leaseMs: number;
  readonly released: boolean;
  /** In which the holder runs its transactions: whoever takes over ends these first, with what may be open in them. */
  readonly sessions: readonly Binary[];
  /** As the holder told. */
  readonly caughtUp: boolean;
  readonly head: Long | null;
  readonly paused: boolean;
  readonly resume: { readonly skip: string | null; readonly reason: string | null } | null;
  readonly isRemoved: boolean;
  /** Lives of removed subscriptions whose passed streams are still to be forgotten. */
  readonly ended: readonly string[];
}

/** The last revision of a stream that a subscription has done. The key order counts. */
export interface PassedDocument {
  readonly _id: {
    /** Its life: one that is removed and made anew has passed nothing. */
    readonly subscription: string;
    readonly stream: string;
  };
  readonly revision: Long;
}

export interface ProjectionDocument {
  readonly _id: string;
  readonly live: number;
  /** The highest generation that there ever was. */
  readonly last: number;
  readonly rebuilding: number | null;
  readonly switchedAt: Date | null;
}

/** A process; one without a status was only locked. The key order counts. */
export interface ProcessDocument extends Partial<Omit<StartedProcessDocument, '_id'>> {
  readonly _id: { readonly process: string; readonly key: string };
}

export interface StartedProcessDocument {
  readonly _id: ProcessDocument['_id'];
  readonly status: ProcessStatus;
  readonly reason: string | null;
  /** JSON text. */
  readonly state: string;
  readonly schemaVersion: number;
  readonly steps: readonly StoredStep[];
  readonly correlationId: string;
  readonly startedAt: Date;
  readonly changedAt: Date;
  /** Written to lock it. */
  readonly locks?: number;
  readonly lockedAt?: Date;
}

/** A time-out that is set. The key order counts: a process's are read as a range of these. */
export interface TimeoutDocument {
  readonly _id: { readonly process: string; readonly key: string; readonly timeout: string };
  /** Of this setting. */
  readonly id: string;
  readonly dueAt: Date;
}

export interface CaseDocument {
  readonly _id: string;
  readonly kind: CaseKind;
  readonly of: string;
  readonly message: { readonly stream: string; readonly revision: Long; readonly id: string; readonly type: string } | null;
  readonly process: { readonly key: string; readonly step: string } | null;
  readonly correlationId: string | null;
  readonly detail: string;
  readonly openedAt: Date;
  readonly closed: { readonly at: Date; readonly by: string; readonly reason: string } | null;
}

/** How far a stream has arrived. */
export interface ArrivalDocument {
  readonly _id: { readonly receiver: string; readonly source: string; readonly stream: string };
  readonly revision: Long;
  /** Absent where no arrival told any. */
  readonly epoch?: Long;
  readonly arrivedAt: Date;
}

export interface IdempotencyDocument {
  readonly _id: string;
  /** JSON text; absent until the work has ended. */
  readonly outcome?: string;
}

export interface SnapshotDocument {
  readonly _id: { readonly stream: string; readonly version: number };
  readonly revision: Long;
  /** JSON text. */
  readonly state: string;
}

/** A limit that holds across processes: permits in use, and a token bucket. */
export interface LimitDocument {
  /** The name of the limit. */
  readonly _id: string;
  readonly permits: readonly { readonly id: string; readonly until: Date }[];
  /** Absent until somebody asked for a token. */
  readonly tokens?: number;
  readonly filledAt?: Date;
  /** What the last who asked was told. */
  readonly told: LimitToldDocument;
}

export interface LimitToldDocument {
  /** Null where it was granted. */
  readonly refusedBy: 'concurrency' | 'rate' | null;
  readonly waitMs: number;
  /** The permit was in use already: nothing more was taken. */
  readonly held?: boolean;
}

/** A transaction that had nothing to append, and has to be found again all the same. */
export interface MarkDocument {
  readonly _id: string;
  /** Absent where somebody looked for it, and found nothing. */
  readonly at?: Timestamp;
  readonly looks?: number;
}

/** Written when it was made; what is not the same any more was copied or restored. */
export interface IdentityDocument {
  readonly _id: 'outbox';
  readonly version: number;
  readonly lanes: number;
  /** The outbox collection's own UUID, which a restored dump does not keep. */
  readonly collection: string;
  /** Retention has removed messages. */
  readonly removed?: true;
  /** Higher than any of lanes that are no more: whoever held one of them must not fit one that was made anew. */
  readonly epoch?: Long;
  /** Of this outbox, also of copies of it until they are adopted. This and the mark are absent until it is migrated. */
  readonly outboxId?: string;
  readonly mark?: { readonly number: Long; readonly nonce: string };
  /** What the options call it. */
  readonly name?: string;
  /** How many lanes there were before: the history tells lanes as they were then. */
  readonly formerLanes?: readonly number[];
  /** Routes that were made, retired or renamed: each writes this document, so that none goes unseen by a change of the number of lanes. */
  readonly routeChanges?: number;
  /** A change of the number of lanes that was begun and has not ended. */
  readonly changing?: LaneChangeDocument;
}

export interface LaneChangeDocument {
  readonly to: number;
  /** One for each route: all of its lanes will be at this place. */
  readonly lanes: readonly Pick<LaneDocument, '_id' | 'position'>[];
}

/** The server puts its cluster time in place of an empty timestamp at the top level of a document that is inserted. */
export const SERVER_FILLS_IN = (): Timestamp => new Timestamp(0n);
