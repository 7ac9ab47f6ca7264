import { OutcomeUnknownError } from '@waybill/core';
import type { Sink } from '@waybill/core';
import { placeOf } from './ledger.js';
import type { LeaseBeliefs } from './lease-beliefs.js';
import type { Caller } from './network.js';
import type { Surroundings } from './surroundings.js';

export interface SimulatedSinkOptions {
  readonly name: string;
  readonly needsWholeStreams: boolean;
  readonly onlyOnce: boolean;
  readonly process: Caller;
  readonly beliefs: LeaseBeliefs;
  /** Ends the process. */
  readonly kill: () => void;
}

/** A route's sink in one process: what it sends is on its way until the scheduler lets it arrive. */
export function simulatedSink(options: SimulatedSinkOptions, { network, setup, ledger, watch, targets, note }: Surroundings): Sink {
  const { name, needsWholeStreams, onlyOnce, process, beliefs, kill } = options;
  const target = targets.get(name)!;
  return {
    needsWholeStreams,
    ...(onlyOnce && { mostAtOnce: 1 }),
    deliver: (batch, { route, lane, epoch, signal, mayBeRepeat }) => {
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
      const first = batch[0]!;
      if (onlyOnce && mayBeRepeat) {
        note(`${process.name} does not send ${placeOf(first)} to ${route}, which may have it`);
        ledger.routes.get(route)!.blame(first.id);
        return Promise.resolve({ accepted: 0, failure: new OutcomeUnknownError(route, first.id, 'it may have it', { final: true }) });
      }
      if (onlyOnce && ledger.routes.get(route)!.sends(first))
        ledger.breaks(
          'nothing is sent twice unless a person says so',
          `${process.name} sends ${placeOf(first)} to ${route} for the second time, and was not told that it may be a repeat`,
        );
      note(`${process.name} sends ${batch.map(placeOf).join(', ')} to ${route}`);
      const asked = network
        .request(process, 'sink', `deliver ${route}/${lane}`, (fate) => target.take(batch, fate, kill))
        .then((delivery) => {
          if (delivery.failure) ledger.routes.get(route)!.notTaken(first.id);
          return delivery;
        });
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
