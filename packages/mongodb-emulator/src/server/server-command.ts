import type { Document } from 'bson';
import type { FailPoints } from '../faults/fail-points.js';
import type { CommandCounts } from './command-counts.js';
import type { Connection } from './connection.js';
import type { Topology } from './topology.js';

/** A command that is about the server and not about what it holds. */
export type ServerCommand = (body: Document, connection: Connection) => Document;

/** What such commands know. */
export interface ServerCommandContext {
  readonly topology: Topology;
  readonly failPoints: FailPoints;
  readonly counts: CommandCounts;
  readonly address: () => string;
  readonly maxWireVersion: number;
  readonly parameters: Document;
  readonly connections: () => number;
  readonly stepDown: (ms: number) => void;
}
