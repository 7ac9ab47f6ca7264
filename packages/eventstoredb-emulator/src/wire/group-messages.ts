import type { Empty, FilterOptions, Int64, ReadOptions, StreamIdentifier, Uuid } from './messages.js';
import { codec } from './schema.js';

/** Which source a request is about: a stream, or `$all` when `all` is set. */
export interface SourceChoice {
  readonly streamIdentifier?: StreamIdentifier | null;
  readonly all?: Empty | null;
}

export interface CompetingReadRequest {
  readonly options?: (SourceChoice & { readonly groupName: string; readonly bufferSize: number }) | null;
  readonly ack?: { readonly ids: readonly Uuid[] } | null;
  readonly nack?: { readonly ids: readonly Uuid[]; readonly action: number; readonly reason: string } | null;
}

/** Settings as a client sends them. Times come in one of two units: ticks of 100 ns, or milliseconds. */
export interface WireSettings {
  readonly resolveLinks: boolean;
  /** Where to start, from clients that name the stream in the old way; the largest number is the end. */
  readonly revision: Int64;
  readonly extraStatistics: boolean;
  readonly messageTimeout?: 'messageTimeoutTicks' | 'messageTimeoutMs';
  readonly messageTimeoutTicks: Int64;
  readonly messageTimeoutMs: number;
  readonly maxRetryCount: number;
  readonly checkpointAfter?: 'checkpointAfterTicks' | 'checkpointAfterMs';
  readonly checkpointAfterTicks: Int64;
  readonly checkpointAfterMs: number;
  readonly minCheckpointCount: number;
  readonly maxCheckpointCount: number;
  readonly maxSubscriberCount: number;
  readonly liveBufferSize: number;
  readonly readBatchSize: number;
  readonly historyBufferSize: number;
  readonly namedConsumerStrategy: number;
  readonly consumerStrategy: string;
}

/** What `Create` and `Update` send; an update carries no filter. The Node client names a stream in the old way, without `stream`. */
export interface DefineGroupRequest {
  readonly options?: {
    readonly streamIdentifier?: StreamIdentifier | null;
    readonly stream?: ReadOptions['stream'];
    readonly all?: (NonNullable<ReadOptions['all']> & { readonly filter?: FilterOptions | null }) | null;
    readonly groupName: string;
    readonly settings?: WireSettings | null;
  } | null;
}

/** What `Delete` and `GetInfo` send. */
export interface GroupRequest {
  readonly options?: (SourceChoice & { readonly groupName: string }) | null;
}

export interface ReplayParkedRequest {
  readonly options?: (SourceChoice & { readonly groupName: string; readonly limit?: 'stopAt' | 'noLimit'; readonly stopAt: Int64 }) | null;
}

export interface ListGroupsRequest {
  readonly options?: { readonly listForStream?: { readonly stream?: StreamIdentifier | null; readonly all?: Empty | null } | null } | null;
}

export interface GroupInfo {
  readonly eventSource: string;
  readonly groupName: string;
  readonly status: string;
  readonly connections: readonly {
    readonly from: string;
    readonly username: string;
    readonly totalItems: number;
    readonly availableSlots: number;
    readonly inFlightMessages: number;
    readonly connectionName: string;
  }[];
  readonly totalItems: number;
  readonly lastCheckpointedEventPosition: string;
  readonly lastKnownEventPosition: string;
  readonly resolveLinkTos: boolean;
  readonly startFrom: string;
  readonly messageTimeoutMilliseconds: number;
  readonly extraStatistics: boolean;
  readonly maxRetryCount: number;
  readonly liveBufferSize: number;
  readonly bufferSize: number;
  readonly readBatchSize: number;
  readonly checkPointAfterMilliseconds: number;
  readonly minCheckPointCount: number;
  readonly maxCheckPointCount: number;
  readonly readBufferCount: number;
  readonly liveBufferCount: number;
  readonly retryBufferCount: number;
  readonly totalInFlightMessages: number;
  readonly outstandingMessagesCount: number;
  readonly namedConsumerStrategy: string;
  readonly maxSubscriberCount: number;
  readonly parkedMessageCount: number;
}

export const competingReadRequest = codec<CompetingReadRequest>('PersistentReadReq');
export const defineGroupRequest = codec<DefineGroupRequest>('DefineGroupReq');
export const deleteGroupRequest = codec<GroupRequest>('DeleteGroupReq');
export const groupInfoRequest = codec<GroupRequest>('GroupInfoReq');
export const replayParkedRequest = codec<ReplayParkedRequest>('ReplayParkedReq');
export const listGroupsRequest = codec<ListGroupsRequest>('ListGroupsReq');
export const groupInfoResponse = codec<{ readonly subscriptionInfo: GroupInfo }>('GroupInfoResp');
export const listGroupsResponse = codec<{ readonly subscriptions: readonly GroupInfo[] }>('ListGroupsResp');
