import type { Database } from '@waybill/core';
import { fill } from './backlog.js';
import { drainOnce } from './drain-once.js';
import type { Drained } from './drain-once.js';
import { atLeast } from './figure.js';
import type { Figure, Yardstick } from './figure.js';
import { inTurn } from './rounds.js';
import type { Scratch } from './scratch.js';
import type { Sizes } from './sizes.js';
import type { Tally } from './tally.js';

/** Another library that drains a backlog of its own, in turn with ours. */
export interface Peer {
  readonly name: string;
  readonly backlog: number;
  drain(): Promise<Drained>;
}

/** A backlog to a sink that does nothing, by one dispatcher with its default batches; settled, so that a restart would not repeat it. */
export async function drain<Tx>({ rounds, backlog }: Sizes, scratch: Scratch<Tx>, peer?: Peer): Promise<readonly [Figure, Figure]> {
  const [one, eight] = [await scratch.shop({ lanes: 1 }), await scratch.shop({ lanes: 8 })];
  for (const { database } of [one, eight]) await fill(database, backlog);
  const tallies = new Map<string, Tally>();

  const noting = (name: string, act: () => Promise<Drained>) => async () => {
    const { tally, rate } = await act();
    tallies.set(name, tally);
    return rate;
  };
  let route = 0;
  const ours = (lanes: string, database: Database<Tx>) => noting(lanes, () => drainOnce(database, `drain-${route++}`, backlog));
  const result = await inTurn<string>(Math.min(rounds, 3), {
    one: ours('one', one.database),
    eight: ours('eight', eight.database),
    ...(peer && { peer: noting('peer', () => peer.drain()) }),
  });

  const versusPeer = (lanes: string): { readonly yardstick?: Yardstick; readonly ratio?: number } =>
    peer
      ? {
          yardstick: { name: peer.name, value: result.rate('peer'), verdict: tallies.get('peer')!.verdict(peer.backlog, false) },
          ratio: result.ratio(lanes, 'peer'),
        }
      : {};
  const line = (lanes: string, name: string): Figure => ({
    ...{ section: 'drain', unit: 'messages/s', name: `${backlog}, ${name}`, ours: result.rate(lanes) },
    ...{ verdict: tallies.get(lanes)!.verdict(backlog), ...versusPeer(lanes) },
  });
  const { drainPerSecond } = scratch.targets;
  const target = atLeast(drainPerSecond, result.rate('eight'), `>= ${drainPerSecond.toLocaleString('en-US')}/s`);
  return [line('one', '1 lane'), { ...line('eight', '8 lanes'), target }];
}
