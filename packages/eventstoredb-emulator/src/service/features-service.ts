import type { handleUnaryCall } from '@grpc/grpc-js';
import type { FaultPlan } from '../faults/fault-plan.js';
import { supportedMethods } from '../wire/messages.js';
import type { Empty } from '../wire/messages.js';

/** Both for persistent subscriptions: to a stream, and to `$all`. */
const OF_GROUPS = ['stream', 'all'];

const SERVICES: readonly (readonly [service: string, methods: Readonly<Record<string, readonly string[]>>])[] = [
  [
    'event_store.client.streams.streams',
    { read: ['position', 'events'], append: [], delete: [], tombstone: [], batchappend: ['deadline_duration'] },
  ],
  [
    'event_store.client.persistent_subscriptions.persistentsubscriptions',
    {
      create: OF_GROUPS,
      update: OF_GROUPS,
      delete: OF_GROUPS,
      read: OF_GROUPS,
      getinfo: OF_GROUPS,
      replayparked: OF_GROUPS,
      list: OF_GROUPS,
      restartsubsystem: OF_GROUPS,
    },
  ],
  ['event_store.client.gossip.gossip', { read: [] }],
  ['event_store.client.server_features.serverfeatures', { getsupportedmethods: [] }],
];

/** The `GetSupportedMethods` call: exactly what this server has, so that a client does not try the rest. */
export function featuresService(serverVersion: string, faults: FaultPlan): handleUnaryCall<Empty, Buffer> {
  const methods = SERVICES.flatMap(([serviceName, names]) =>
    Object.entries(names).map(([methodName, features]) => ({ serviceName, methodName, features })),
  );
  const answer = supportedMethods.encode({ methods, eventStoreServerVersion: serverVersion });
  return (_call, callback) => faults.whenHeard(() => callback(null, answer));
}
