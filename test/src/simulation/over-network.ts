import { DatabaseUnavailableError } from '@waybill/core';
import type { Database, LaneAction, LaneGrant, LaneLease, Settlement, WakeUps } from '@waybill/core';
import type { LaneWatch } from './lane-watch.js';
import type { Caller, Fate, Network } from './network.js';
import type { WindowedDatabase } from './windowed-database.js';

/** What lanes and leases hang on. */
const WAIT_ALWAYS = ['lanes.read', 'lanes.readTail', 'lanes.settle', 'leases.acquire', 'leases.renew', 'leases.release'];
const WRITES = ['lanes.settle', 'leases.renew', 'leases.release'];

export interface OverNetworkOptions {
  readonly database: WindowedDatabase;
  readonly network: Network;
  readonly watch: LaneWatch;
  readonly caller: Caller;
  readonly everyCallWaits: boolean;
  /** The process has read, and knows as of now, which leases it holds. */
  readonly onLeases: (leases: readonly LaneLease[], askedAt: { readonly monotonic: number; readonly wall: number }) => void;
  readonly now: () => { readonly monotonic: number; readonly wall: number };
}

/** The database as one process reaches it: every call may be late, lost, or carried out without an answer. */
export function overNetwork(options: OverNetworkOptions): Database {
  const { database, network, watch, caller, everyCallWaits } = options;

  const call = (name: string, parameters: readonly unknown[], carryOut: () => Promise<unknown>): Promise<unknown> => {
    const askedAt = options.now();
    const watched = (): Promise<unknown> => watchedCall(watch, name, parameters, carryOut);
    const answer =
      everyCallWaits || WAIT_ALWAYS.includes(name)
        ? network.callDatabase(caller, labelOf(name, parameters), watched)
        : caller.cutOff
          ? Promise.reject(new DatabaseUnavailableError('it is cut off'))
          : watched();
    return answer.then((result) => {
      if (name === 'leases.acquire')
        options.onLeases(
          (result as LaneGrant[]).map(({ lease }) => lease),
          askedAt,
        );
      if (name === 'leases.renew') options.onLeases(result as LaneLease[], askedAt);
      return result;
    });
  };
  const port = <Port extends object>(name: string, real: Port): Port =>
    new Proxy(real, {
      get: (_target, method: string) => {
        const carryOut = real[method as keyof Port] as (...parameters: unknown[]) => Promise<unknown>;
        return (...parameters: unknown[]) => call(`${name}.${method}`, parameters, () => carryOut.apply(real, parameters));
      },
    });
  const wakeUps: WakeUps = {
    nudge: (kind, hashes) => database.wakeUps.nudge(kind, hashes),
    pulse: () => call('wakeUps.pulse', [], () => database.wakeUps.pulse()) as Promise<string>,
    listen: (onHint, signal) =>
      database.wakeUps.listen((hint) => {
        if (caller.cutOff || caller.state === 'gone') return;
        const happen = (fate: Fate): void => (fate === 'lost' ? undefined : onHint(hint));
        network.post({ label: `${caller.name} hears of a hint: ${hint.kind}`, kind: 'hint', caller, happen });
      }, signal),
  };
  return new Proxy<Database>(database, {
    get: (_target, member: keyof Database) => {
      if (member === 'wakeUps') return wakeUps;
      const real = database[member];
      if (typeof real !== 'function') return port(member, real as object);
      return (...parameters: never[]) =>
        call(member, parameters, () => (real as (...given: never[]) => Promise<unknown>).apply(database, parameters));
    },
  });
}

async function watchedCall(
  watch: LaneWatch,
  name: string,
  parameters: readonly unknown[],
  carryOut: () => Promise<unknown>,
): Promise<unknown> {
  if (WRITES.includes(name)) {
    const leases = [parameters[0] as LaneLease | readonly LaneLease[]].flat();
    const result = await watch.write(name.split('.')[1]!, leases, carryOut);
    if (name === 'lanes.settle') await watch.settled(leases[0]!, parameters[1] as Settlement);
    return result;
  }
  const result = await carryOut();
  if (name === 'leases.acquire') watch.granted(result as LaneGrant[]);
  if (name === 'actions.due') watch.due(result as LaneAction[]);
  return result;
}

/** As the story tells it: `settle mail/0`. */
function labelOf(name: string, parameters: readonly unknown[]): string {
  const about = [parameters[0]].flat()[0] as { readonly route?: string; readonly lane?: number } | string | undefined;
  const route = typeof about === 'string' ? about : about?.route;
  const lane = typeof about === 'object' && about.lane !== undefined ? `/${about.lane}` : '';
  return `${name.split('.')[1] ?? name}${route === undefined ? '' : ` ${route}${lane}`}`;
}
