import { codec } from './schema.js';

/** A 64-bit integer as protobufjs hands it out. */
export interface Int64 {
  readonly low: number;
  readonly high: number;
}

export type Empty = Record<string, never>;
export const EMPTY: Empty = {};

export interface Uuid {
  readonly structured?: { readonly mostSignificantBits: Int64; readonly leastSignificantBits: Int64 } | null;
  readonly text?: string;
}

export interface StreamIdentifier {
  readonly streamName: Uint8Array;
}

export interface WirePosition {
  readonly commitPosition: Int64 | number;
  readonly preparePosition: Int64 | number;
}

export interface ProposedMessage {
  readonly id?: Uuid | null;
  readonly metadata: Readonly<Record<string, string>>;
  readonly customMetadata: Buffer;
  readonly data: Buffer;
}

export interface AppendOptions {
  readonly streamIdentifier?: StreamIdentifier | null;
  readonly expected?: 'revision' | 'noStream' | 'any' | 'streamExists';
  readonly revision: Int64;
}

export interface AppendRequest {
  readonly options?: AppendOptions | null;
  readonly proposedMessage?: ProposedMessage | null;
}

export interface AppendSuccess {
  readonly currentRevision?: number;
  readonly noStream?: Empty;
  readonly position?: WirePosition;
  readonly noPosition?: Empty;
}

export interface AppendResponse {
  readonly success?: AppendSuccess;
  readonly wrongExpectedVersion?: {
    readonly currentRevision?: number;
    readonly currentNoStream?: Empty;
    readonly expectedRevision?: Int64;
    readonly expectedAny?: Empty;
    readonly expectedStreamExists?: Empty;
    readonly expectedNoStream?: Empty;
  };
}

interface Seconds {
  readonly seconds: Int64;
  readonly nanos: number;
}

export interface BatchAppendRequest {
  readonly correlationId: Uuid;
  readonly options?: (AppendOptions & { readonly deadlineAt?: Seconds | null; readonly deadlineIn?: Seconds | null }) | null;
  readonly proposedMessages: readonly ProposedMessage[];
  readonly isFinal: boolean;
}

export interface RpcStatus {
  readonly code: number;
  readonly message: string;
  readonly details: { readonly typeUrl: string; readonly value: Uint8Array };
}

export interface BatchAppendResponse {
  readonly correlationId: Uuid;
  readonly error?: RpcStatus;
  readonly success?: AppendSuccess;
  readonly streamIdentifier: StreamIdentifier;
}

export interface DeleteRequest {
  readonly options?: AppendOptions | null;
}

export interface FilterExpression {
  readonly regex: string;
  readonly prefix: readonly string[];
}

export interface FilterOptions {
  readonly on?: 'streamIdentifier' | 'eventType';
  readonly streamIdentifier?: FilterExpression | null;
  readonly eventType?: FilterExpression | null;
  readonly window?: 'max' | 'count';
  readonly max: number;
  readonly checkpointIntervalMultiplier: number;
}

export interface ReadOptions {
  readonly stream?: {
    readonly streamIdentifier?: StreamIdentifier | null;
    readonly from?: 'revision' | 'start' | 'end';
    readonly revision: Int64;
  } | null;
  readonly all?: { readonly from?: 'position' | 'start' | 'end'; readonly position?: { readonly commitPosition: Int64 } | null } | null;
  readonly readDirection: number;
  readonly resolveLinks: boolean;
  readonly amount?: 'count' | 'subscription';
  readonly count: Int64;
  readonly filter?: FilterOptions | null;
}

export interface ReadRequest {
  readonly options?: ReadOptions | null;
}

/** Everything a read may answer but events, which `read-event.ts` encodes by hand. */
export interface ReadNotice {
  readonly confirmation?: { readonly subscriptionId: string };
  readonly checkpoint?: WirePosition;
  readonly streamNotFound?: { readonly streamIdentifier: StreamIdentifier };
  readonly caughtUp?: Empty;
  readonly fellBehind?: Empty;
}

export interface ClusterInfo {
  readonly members: readonly {
    readonly instanceId: Uuid;
    readonly timeStamp: number;
    readonly state: number;
    readonly isAlive: boolean;
    readonly httpEndPoint: { readonly address: string; readonly port: number };
  }[];
}

export interface SupportedMethods {
  readonly methods: readonly { readonly methodName: string; readonly serviceName: string; readonly features: readonly string[] }[];
  readonly eventStoreServerVersion: string;
}

export const appendRequest = codec<AppendRequest>('AppendReq');
export const appendResponse = codec<AppendResponse>('AppendResp');
export const batchAppendRequest = codec<BatchAppendRequest>('BatchAppendReq');
export const batchAppendResponse = codec<BatchAppendResponse>('BatchAppendResp');
export const deleteRequest = codec<DeleteRequest>('DeleteReq');
export const deleteResponse = codec<{ readonly position: WirePosition }>('DeleteResp');
export const readRequest = codec<ReadRequest>('ReadReq');
export const readNotice = codec<ReadNotice>('ReadResp');
export const clusterInfo = codec<ClusterInfo>('ClusterInfo');
export const supportedMethods = codec<SupportedMethods>('SupportedMethods');
export const empty = codec<Empty>('Empty');
