import { commit } from './commit.js';
import { drain } from './drain.js';
import { sink } from './eventstoredb/sink.js';
import { startEmptyEventStoreDB } from './eventstoredb/start.js';
import { startCountingServer } from './http/counting-server.js';
import { http } from './http/http.js';
import { follow } from './follow/follow.js';
import { idle } from './idle.js';
import { latency } from './latency.js';
import { memory } from './memory.js';
import { commands } from './mongodb/commands.js';
import { startMajorityMongoDB } from './mongodb/mongodb-scratch.js';
import { numbering } from './mongodb/numbering.js';
import { drainBesidePeers } from './postgres/drain-beside-peers.js';
import { startDurablePostgres } from './postgres/postgres-scratch.js';
import { poison } from './poison.js';
import { race } from './race.js';
import { read } from './read.js';
import { behindClaims } from './receive/behind-claims.js';
import { overALog } from './receive/over-a-log.js';
import { suite } from './suite.js';
import type { Suite } from './suite.js';

/** By database. */
export const DATABASES = {
  postgres: suite(startDurablePostgres, {
    commit: [commit, race],
    drain: [drainBesidePeers],
    poison: [poison],
    latency: [latency],
    idle: [idle],
    read: [read],
    memory: [memory],
    receive: [behindClaims, overALog],
    follow: [follow],
  }),
  mongodb: suite(startMajorityMongoDB, {
    commit: [commit, race],
    drain: [drain, numbering],
    poison: [poison],
    latency: [latency],
    commands: [commands],
    idle: [idle],
    read: [read],
    memory: [memory],
    receive: [behindClaims, overALog],
    follow: [follow],
  }),
} as const satisfies Record<string, Suite>;

/** What takes neither. */
export const WITHOUT_DATABASE: readonly Suite[] = [
  suite(startEmptyEventStoreDB, { sink: [sink] }),
  suite(startCountingServer, { http: [http] }),
];
