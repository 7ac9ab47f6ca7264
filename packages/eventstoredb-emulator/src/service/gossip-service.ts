import { randomUUID } from 'node:crypto';
import type { handleUnaryCall } from '@grpc/grpc-js';
import type { FaultPlan } from '../faults/fault-plan.js';
import { int64Of } from '../wire/int64.js';
import { clusterInfo } from '../wire/messages.js';
import type { Empty, Uuid } from '../wire/messages.js';

const LEADER = 8;

/** The `Gossip/Read` call: a cluster of one, which leads itself. This is what `esdb+discover://` asks. */
export function gossipService(
  address: () => { readonly host: string; readonly port: number },
  faults: FaultPlan,
): handleUnaryCall<Empty, Buffer> {
  const instanceId = structuredUuid();
  return (_call, callback) => {
    const { host, port } = address();
    const member = { instanceId, timeStamp: Date.now() * 10_000, state: LEADER, isAlive: true, httpEndPoint: { address: host, port } };
    faults.whenHeard(() => callback(null, clusterInfo.encode({ members: [member] })));
  };
}

function structuredUuid(): Uuid {
  const bits = BigInt(`0x${randomUUID().replaceAll('-', '')}`);
  return { structured: { mostSignificantBits: int64Of(bits >> 64n), leastSignificantBits: int64Of(bits & 0xffff_ffff_ffff_ffffn) } };
}
