import type { MethodDefinition, ServiceDefinition, UntypedServiceImplementation } from '@grpc/grpc-js';
import {
  competingReadRequest,
  defineGroupRequest,
  deleteGroupRequest,
  groupInfoRequest,
  listGroupsRequest,
  replayParkedRequest,
} from '../wire/group-messages.js';
import { appendRequest, batchAppendRequest, deleteRequest, empty, readRequest } from '../wire/messages.js';
import type { Codec } from '../wire/schema.js';

interface Shape {
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

const GROUPS = 'event_store.client.persistent_subscriptions.PersistentSubscriptions';
const UNARY: Shape = { requestStream: false, responseStream: false };

export const STREAMS: ServiceDefinition<UntypedServiceImplementation> = {
  read: method('event_store.client.streams.Streams/Read', readRequest, { requestStream: false, responseStream: true }),
  append: method('event_store.client.streams.Streams/Append', appendRequest, { requestStream: true, responseStream: false }),
  batchAppend: method('event_store.client.streams.Streams/BatchAppend', batchAppendRequest, { requestStream: true, responseStream: true }),
  delete: method('event_store.client.streams.Streams/Delete', deleteRequest, UNARY),
  tombstone: method('event_store.client.streams.Streams/Tombstone', deleteRequest, UNARY),
};

export const PERSISTENT_SUBSCRIPTIONS: ServiceDefinition<UntypedServiceImplementation> = {
  create: method(`${GROUPS}/Create`, defineGroupRequest, UNARY),
  update: method(`${GROUPS}/Update`, defineGroupRequest, UNARY),
  delete: method(`${GROUPS}/Delete`, deleteGroupRequest, UNARY),
  getInfo: method(`${GROUPS}/GetInfo`, groupInfoRequest, UNARY),
  replayParked: method(`${GROUPS}/ReplayParked`, replayParkedRequest, UNARY),
  list: method(`${GROUPS}/List`, listGroupsRequest, UNARY),
  restartSubsystem: method(`${GROUPS}/RestartSubsystem`, empty, UNARY),
  read: method(`${GROUPS}/Read`, competingReadRequest, { requestStream: true, responseStream: true }),
};

export const GOSSIP: ServiceDefinition<UntypedServiceImplementation> = {
  read: method('event_store.client.gossip.Gossip/Read', empty, UNARY),
};

export const SERVER_FEATURES: ServiceDefinition<UntypedServiceImplementation> = {
  getSupportedMethods: method('event_store.client.server_features.ServerFeatures/GetSupportedMethods', empty, UNARY),
};

/** Handlers answer with bytes: they know best how to make them, and answers that repeat are made once. */
function method<Request extends object>(path: string, request: Codec<Request>, shape: Shape): MethodDefinition<Request, Buffer> {
  return {
    path: `/${path}`,
    ...shape,
    requestSerialize: (message) => request.encode(message),
    requestDeserialize: (bytes) => request.decode(bytes),
    responseSerialize: (bytes) => bytes,
    responseDeserialize: (bytes) => bytes,
  };
}
