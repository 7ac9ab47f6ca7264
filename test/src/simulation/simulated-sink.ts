import type { Sink } from '@waybill/core';
import { placeOf } from './ledger.js';
import type { LeaseBeliefs } from './lease-beliefs.js';
import type { Caller } from './network.js';
import type { Surroundings } from './surroundings.js';

export interface SimulatedSinkOptions {
  readonly name: string;
  readonly needsWholeStreams: boolean;
  readonly process: Caller;
  readonly beliefs: LeaseBeliefs;
  /** Ends the process. */
  readonly kill: () => void;
}

/** A route's sink in one process: what it sends is on its way until the scheduler lets it arrive. */
export function simulatedSink(options: SimulatedSinkOptions, { network, setup, ledger, watch, targets, note }: Surroundings): Sink {
  const { name, needsWholeStreams, process, beliefs, kill } = options;
  const target = targets.get(name)!;
  return {
    needsWholeStreams,
    deliver: (batch, { route, lane, epoch, signal }) => {
      const leftMs = beliefs.leftMs({ route, lane, epoch });
      if (leftMs <= 0)
        ledger.breaks(
          'one deliverer by its own clocks',
          `${process.name} called the sink of ${route}/${lane} ${-leftMs} ms after its lease was over by its own clocks`,
        );
      else if (watch.isStale({ route, lane, epoch }))
        ledger.breaks(
          'one deliverer by its own clocks',
          `${process.name} called the sink of ${route}/${lane}, which is somebody else's already`,
        );
      note(`${process.name} sends ${batch.map(placeOf).join(', ')} to ${route}`);
      const asked = network.request(process, 'sink', `deliver ${route}/${lane}`, (fate) => target.take(batch, fate, kill));
      if (!setup.sinksHeedAborts) return asked;
      const givenUp = new Promise<never>((_resolve, reject) => {
        const giveUp = (): void => {
          ledger.routes.get(route)!.unavailable(batch[0]!.id);
          reject(new Error('the sink gave up'));
        };
        if (signal.aborted) giveUp();
        else signal.addEventListener('abort', giveUp, { once: true });
      });
      return Promise.race([asked, givenUp]); // what was sent may still arrive
    },
  };
}
