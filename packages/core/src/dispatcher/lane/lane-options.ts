import type { Clock } from '../../clock.js';
import type { DispatchStores } from '../../database.js';
import type { Logger } from '../../logger.js';
import type { Catalogue } from '../../message/catalogue.js';
import type { Reached } from '../../moment.js';
import type { LaneProgress } from '../../outbox/lane-progress.js';
import type { WakeUps } from '../../outbox/wake-ups.js';
import type { LeaseHold } from '../../lease-hold.js';
import type { OneAtATime } from '../failure/one-at-a-time.js';
import type { Route } from '../route.js';
import type { SinkHealth } from '../failure/sink-health.js';

/** What a lane, and each of its parts, works with. */
export interface LaneOptions {
  readonly route: Route;
  readonly hold: LeaseHold;
  readonly progress: LaneProgress;
  /** The last holder did not give the lane back. */
  readonly takenOver: boolean;
  readonly stores: DispatchStores;
  /** Told of replies that were committed with a settlement. */
  readonly wakeUps: WakeUps;
  readonly health: SinkHealth;
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly random: () => number;
  readonly logger: Logger;
  readonly reached: Reached | undefined;
  /** Whether it is written down what was tried. */
  readonly keepsHistory: boolean;
  /** Shared by all lanes of the process: of messages that a process was gone with, one is tried at a time. */
  readonly suspects: OneAtATime;
  /** Cuts a delivery short when a stop takes too long. */
  readonly cut: AbortSignal;
}
