import { once } from 'node:events';
import type { DispatcherChild } from './dispatcher-child.js';
import type { DispatcherReport, LanePlace } from './dispatcher-reports.js';
import { number } from './progress.js';
import type { Screen } from './screen.js';

export interface TakeOverOptions {
  readonly victim: DispatcherChild;
  readonly heir: DispatcherChild;
  readonly screen: Screen;
}

export interface TakeOver {
  readonly killedAt: Date;
  /** From the kill to the first batch of a lane of the victim that the other dispatcher has in EventStoreDB. */
  readonly afterMs: number;
  readonly lanes: number;
}

/** Kills the one dispatcher in the middle of its work, and waits until the other one has its lanes and delivers them. */
export async function takeOver({ victim, heir, screen }: TakeOverOptions): Promise<TakeOver> {
  const orphaned = new Set(victim.lanes);
  const delivering = firstDelivery(heir, orphaned);
  const killedAt = new Date();
  await victim.kill();
  screen.print(
    '',
    `  ✗ half-way: dispatcher 1 (process ${victim.pid}) is killed with SIGKILL, in the middle of its batches.`,
    `    It held ${orphaned.size} lanes and gave none back: their leases of ${victim.order.leaseMs / 1_000} s must run out first.`,
    '    The lanes of the other one go on.',
    '',
  );

  await delivering;
  const afterMs = Date.now() - killedAt.getTime();
  while ([...orphaned].some((place) => !heir.lanes.has(place))) await once(heir.events, 'report');
  const lanes = [...orphaned].filter((place) => heir.takenOver.has(place)).length;
  screen.print(
    '',
    `  ✓ dispatcher 2 (process ${heir.pid}) has taken over ${lanes} lanes, and delivers them ${number(afterMs)} ms after the kill.`,
    '    It begins at the last recorded batch, one message at a time: what was delivered but not recorded goes out again.',
    '',
  );
  return { killedAt, afterMs, lanes };
}

function firstDelivery({ events }: DispatcherChild, of: ReadonlySet<LanePlace>): Promise<void> {
  return new Promise((resolve) => {
    const hear = (report: DispatcherReport): void => {
      if (report.kind !== 'delivered' || !of.has(report.place) || !report.place.startsWith('eventstoredb/')) return;
      events.off('report', hear);
      resolve();
    };
    events.on('report', hear);
  });
}
