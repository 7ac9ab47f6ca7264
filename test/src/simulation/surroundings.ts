import type { Caller, Network } from './network.js';
import type { Dispatcher } from '@waybill/core';
import type { LaneWatch } from './lane-watch.js';
import type { Ledger } from './ledger.js';
import type { TrueTime } from './process-clock.js';
import type { Setup } from './setup.js';
import type { Target } from './target.js';
import type { WindowedDatabase } from './windowed-database.js';

/** What a process finds around it. */
export interface Surroundings {
  readonly setup: Setup;
  readonly time: TrueTime;
  readonly network: Network;
  readonly database: WindowedDatabase;
  readonly watch: LaneWatch;
  readonly ledger: Ledger;
  readonly targets: ReadonlyMap<string, Target>;
  readonly core: { readonly Dispatcher: typeof Dispatcher };
  /** Writes a line of the story. */
  note(line: string): void;
  /** Hears an event of the process's dispatcher. */
  tell(process: Caller, event: string, told: object): void;
}
