import type { Credentials, EventStoreDBClient } from '@eventstore/db-client';
import grpcStreams from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';

export type BatchAppendCall = ReturnType<StreamsClient['batchAppend']>;
type CallArguments = Parameters<StreamsClient['batchAppend']>;

// Protected members of the client, which subclasses may use. A subclass is out of reach: `connectionString` makes the base class.
interface ClientInternals {
  readonly GRPCStreamCreator: (
    type: unknown,
    name: string,
    create: (streams: StreamsClient) => BatchAppendCall,
  ) => () => Promise<BatchAppendCall>;
  readonly callArguments: (options: { readonly credentials?: Credentials }, callOptions: { readonly deadline: number }) => CallArguments;
  readonly getChannel: () => Promise<{ close(): void }>;
}

const internals = (client: EventStoreDBClient): ClientInternals => client as unknown as ClientInternals;

/**
 * Opens a batch-append call of our own on the client's connection; discovery, TLS, credentials and being sent to another leader stay the
 * client's.
 *
 * `appendToStream` keeps the appends of all clients of the process in one map: an error of one client rejects the appends of every other, and
 * the answers that come for them all the same end the process (`TypeError: undefined is not iterable`, as an unhandled rejection). A
 * call of our own takes no part in that, in either direction. It also keeps the order of the first appends, and sends payloads as they are.
 */
export async function openBatchAppend(client: EventStoreDBClient, credentials: Credentials | undefined): Promise<BatchAppendCall> {
  const { GRPCStreamCreator, callArguments } = internals(client);
  const open = GRPCStreamCreator(grpcStreams.StreamsClient, 'appendToStream', (streams) => {
    const call = streams.batchAppend(...callArguments(credentials ? { credentials } : {}, { deadline: Infinity }));
    call.on('error', () => {}); // one may come before anybody listens; whoever does gets it too
    return call;
  });
  return open();
}

/** Lets the calls on it end and opens no more. The client's own `dispose` would make reads that are under way wait for ever. */
export function closeChannel(client: EventStoreDBClient): void {
  internals(client)
    .getChannel()
    .then(
      (channel) => channel.close(),
      () => {}, // there is none: discovery failed
    );
}
