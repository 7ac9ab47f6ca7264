import { once } from 'node:events';
import type { DispatcherChild } from './dispatcher-child.js';
import type { DispatcherReport } from './dispatcher-reports.js';
import { number } from './progress.js';
import type { Screen } from './screen.js';

export interface TakeOverOptions {
  readonly running: DispatcherChild;
  readonly standby: DispatcherChild;
  /** How many there are. On a machine that is short of time the first may have lost some to the other before. */
  readonly lanes: number;
  readonly screen: Screen;
}

export interface TakeOver {
  readonly killedAt: Date;
  /** From the kill to the first batch of the other dispatcher in EventStoreDB. */
  readonly afterMs: number;
  readonly lanes: number;
}

/** Kills the one dispatcher in the middle of its work, and waits until the other one has all lanes and delivers. */
export async function takeOver({ running, standby, lanes, screen }: TakeOverOptions): Promise<TakeOver> {
  const delivering = firstDelivery(standby);
  const killedAt = new Date();
  await running.kill();
  screen.print(
    '',
    `  ✗ half-way: dispatcher 1 (process ${running.pid}) is killed with SIGKILL, in the middle of its batches.`,
    `    It held ${running.lanes} lanes and gave none back: their leases of ${running.order.leaseMs / 1_000} s must run out first.`,
    '',
  );

  await delivering;
  const afterMs = Date.now() - killedAt.getTime();
  while (standby.lanes < lanes) await once(standby.events, 'report');
  screen.print(
    '',
    `  ✓ dispatcher 2 (process ${standby.pid}) has taken over ${standby.takenOver} lanes, and delivers ${number(afterMs)} ms after the kill.`,
    '    It begins at the last recorded batch: what was delivered but not recorded goes out again.',
    '',
  );
  return { killedAt, afterMs, lanes: standby.takenOver };
}

function firstDelivery({ events }: DispatcherChild): Promise<void> {
  return new Promise((resolve) => {
    const hear = (report: DispatcherReport): void => {
      if (report.kind !== 'delivered' || report.route !== 'eventstoredb') return;
      events.off('report', hear);
      resolve();
    };
    events.on('report', hear);
  });
}
