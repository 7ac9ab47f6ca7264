import { Long } from 'bson';
import type { Document, Timestamp } from 'bson';
import { MAX_MESSAGE_BYTES } from '../wire/message-header.js';
import type { Topology } from './topology.js';

export interface HelloContext {
  readonly topology: Topology;
  /** Where clients find this server, `127.0.0.1:27017`. */
  readonly address: string;
  readonly maxWireVersion: number;
  readonly connectionId: number;
  readonly newest: Timestamp;
  readonly now: Date;
}

export const HELLO_NAMES: ReadonlySet<string> = new Set(['hello', 'isMaster', 'ismaster']);

/** Who is there, as the handshake and the monitors of the client ask it. `isMaster` says it in older words. */
export function hello(name: string, context: HelloContext): Document {
  const { topology, connectionId, maxWireVersion, now } = context;
  return {
    ...(name === 'hello' ? {} : { ismaster: topology.isPrimary }),
    helloOk: true,
    ...(topology.replicaSet === undefined ? {} : member(context, topology.replicaSet)),
    isWritablePrimary: topology.isPrimary,
    topologyVersion: topology.version,
    maxBsonObjectSize: 16_777_216,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    maxWriteBatchSize: 100_000,
    localTime: now,
    logicalSessionTimeoutMinutes: 30,
    connectionId,
    minWireVersion: 0,
    maxWireVersion,
    readOnly: false,
  };
}

function member({ topology, address, newest, now }: HelloContext, setName: string): Document {
  const opTime = { ts: newest, t: Long.fromNumber(topology.term) };
  return {
    setName,
    setVersion: 1,
    secondary: !topology.isPrimary,
    hosts: [address],
    me: address,
    ...(topology.isPrimary ? { primary: address, electionId: topology.electionId } : {}),
    lastWrite: { opTime, lastWriteDate: now, majorityOpTime: opTime, majorityWriteDate: now },
  };
}
