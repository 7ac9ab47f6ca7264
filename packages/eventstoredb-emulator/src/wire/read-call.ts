import type { ServerWritableStream } from '@grpc/grpc-js';
import type { ReadRequest } from './messages.js';

/** A read or a subscription while it is open; takes encoded answers. */
export type ReadCall = ServerWritableStream<ReadRequest, Buffer>;
