import { isWaybillError } from '@waybill/core';
import type { LaneAction, LaneFailure, LaneGrant, LaneLease, MessagePlace, Settlement, StoppedStream } from '@waybill/core';
import { placeOf } from './ledger.js';
import type { Ledger } from './ledger.js';
import type { WindowedDatabase } from './windowed-database.js';

const MOST = 1_000;
/** A try that is counted before it is made, for the process may not live to count it. */
const COUNTED_BEFORE = 'SUSPECTED_CRASH';

type Blamed = Pick<LaneFailure, 'messageId' | 'attempts' | 'code'>;

/** What of a lane waits for a person, as its last settlement stored it. */
interface Standing {
  isHalted: boolean;
  readonly streams: Map<string, bigint>;
  /** By stream, or by `undefined` for the lane itself: the message that stopped it last. */
  readonly stoodAt: Map<string | undefined, string>;
}

const newStanding = (): Standing => ({ isHalted: false, streams: new Map(), stoodAt: new Map() });

/** Looks at every write to a lane: who may do it, what it changes, and whether what is stored then is true. */
export class LaneWatch {
  readonly #epochs = new Map<string, bigint>();
  readonly #actions = new Map<string, LaneAction>();
  readonly #takeOvers = new Map<string, number>();
  readonly #standing = new Map<string, Standing>();
  /** Streams of each route that were set aside, for the count. */
  readonly parked = new Set<string>();
  staleWrites = 0;

  constructor(
    private readonly database: WindowedDatabase,
    private readonly ledger: Ledger,
  ) {}

  isStale({ route, lane, epoch }: Pick<LaneLease, 'route' | 'lane' | 'epoch'>): boolean {
    return this.#epochs.get(`${route}/${lane}`) !== epoch;
  }

  granted(grants: readonly LaneGrant[]): void {
    for (const { lease, takenOver } of grants) {
      const lane = `${lease.route}/${lease.lane}`;
      this.#epochs.set(lane, lease.epoch);
      if (takenOver) this.#takeOvers.set(lane, (this.#takeOvers.get(lane) ?? 0) + 1);
    }
  }

  due(actions: readonly LaneAction[]): void {
    for (const action of actions) this.#actions.set(action.id, action);
  }

  /** Carries a write out; under leases that are lost it must change nothing of their lanes, and a settlement must say so. */
  async write<Result>(what: string, leases: readonly LaneLease[], carryOut: () => Promise<Result>): Promise<Result> {
    const valid = leases.filter((lease) => !this.isStale(lease));
    const stale = leases.filter((lease) => !valid.some(({ route, lane }) => route === lease.route && lane === lease.lane));
    if (stale.length === 0) return carryOut();
    this.staleWrites++;
    const before = await this.#stored(stale);
    try {
      const result = await carryOut();
      const { route, lane, epoch } = stale[0]!;
      if (what === 'settle')
        this.ledger.breaks('G7 no write without the lease', `${route}/${lane} was settled under the lost epoch ${epoch}`);
      return result;
    } catch (error) {
      if (!isWaybillError(error, 'LEASE_LOST')) this.ledger.breaks('G7 no write without the lease', `${what} failed with ${String(error)}`);
      throw error;
    } finally {
      if (before !== (await this.#stored(stale)))
        this.ledger.breaks('G7 no write without the lease', `${what} under a lost lease changed ${before} to ${await this.#stored(stale)}`);
    }
  }

  async #stored(leases: readonly LaneLease[]): Promise<string> {
    const mine = ({ route, lane }: { readonly route: string; readonly lane: number }): boolean =>
      leases.some((lease) => lease.route === route && lease.lane === lane);
    const lanes = (await this.database.status.lanes()).filter(mine);
    const stopped = (await this.database.status.stopped({ most: MOST })).filter(mine);
    const recorded = (await Promise.all(leases.map(({ route }) => this.database.actions.recorded(route, MOST)))).flat().filter(mine);
    return JSON.stringify([lanes, stopped, recorded], (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  }

  /** After a settlement was stored. */
  async settled({ route, lane }: LaneLease, settlement: Settlement): Promise<void> {
    const { failure, state, stopped = [], executed = [], discarded = [] } = settlement;
    const stoodAt = new Map(this.#standing.get(`${route}/${lane}`)?.stoodAt);
    this.#stand(`${route}/${lane}`, settlement);
    const ledger = this.ledger.routes.get(route)!;
    for (const { id, outcome } of executed) {
      const { kind, messageId, stream } = this.#actions.get(id) ?? {};
      if (outcome === 'done' && (kind === 'resume' || kind === 'redrive')) ledger.goesOn(stoodAt.get(stream));
      if (outcome === 'done' && kind === 'skip' && messageId !== undefined) ledger.givenUp.add(messageId);
    }
    for (const { messageId } of discarded) {
      ledger.givenUp.add(messageId);
      this.#checkBlame(route, lane, { messageId, attempts: 1, code: '' }, 'discarded');
    }
    if (failure) this.#checkBlame(route, lane, failure, state);
    for (const entry of stopped) {
      this.#checkBlame(route, lane, entry.failure, entry.state);
      this.#checkStop(route, entry);
    }
    await this.checkTruth();
  }

  /** True when the row waits for a person: its lane has halted, or its stream has. */
  waitsForSomebody(route: string, lane: number, { stream, revision }: MessagePlace): boolean {
    const { isHalted, streams } = this.#standing.get(`${route}/${lane}`) ?? newStanding();
    const from = streams.get(stream);
    return isHalted || (from !== undefined && from <= revision);
  }

  #stand(lane: string, { state, failure, stopped = [], resumed = [] }: Settlement): void {
    const standing = this.#standing.get(lane) ?? newStanding();
    this.#standing.set(lane, standing);
    standing.isHalted = state === 'halted';
    if (failure) standing.stoodAt.set(undefined, failure.messageId);
    for (const { stream, fromRevision, failure: ofStream, state: streamState } of stopped) {
      standing.stoodAt.set(stream, ofStream.messageId);
      if (streamState === 'halted' || streamState === 'parked') standing.streams.set(stream, fromRevision);
      else standing.streams.delete(stream);
    }
    for (const stream of resumed) standing.streams.delete(stream);
  }

  #checkBlame(route: string, lane: number, { messageId, attempts, code }: Blamed, state: string): void {
    const faults = this.ledger.routes.get(route)!.faults.get(messageId) ?? 0;
    const underWay = code.startsWith(COUNTED_BEFORE) ? 1 : 0;
    const most = faults + (this.#takeOvers.get(`${route}/${lane}`) ?? 0) + underWay;
    const given = state === 'halted' || state === 'parked' || state === 'discarded' ? Math.max(1, attempts) : attempts;
    if (given > most)
      this.ledger.breaks(
        'G8 an outage burns no attempts',
        `${messageId} on ${route} is ${state} with ${attempts} attempts, but failed by its own fault ${most} times at most`,
      );
  }

  #checkStop(route: string, { stream, fromRevision, failure, state }: StoppedStream): void {
    if (state !== 'redriving' && (failure.stream !== stream || failure.revision < fromRevision))
      this.ledger.breaks(
        'G8 poison stops only its stream',
        `${route} stopped ${stream} from ${fromRevision} because of ${placeOf(failure)}`,
      );
    if (state === 'parked' || state === 'halted') this.parked.add(`${route} ${stream} ${failure.revision}`);
  }

  /** What is stored as passed is accepted, or given up and said to be. */
  async checkTruth(): Promise<void> {
    const committed = this.ledger.committed();
    for (const route of this.ledger.routes.values()) {
      const { setup, accepted, givenUp } = route;
      const mine = committed.filter(({ stream }) => route.selects(stream));
      const progress = await this.database.status.progress(setup.name, mine);
      for (const [nth, { passed, skipped }] of progress.entries()) {
        const row = mine[nth]!;
        if (passed && !skipped && !accepted.has(row.id))
          this.ledger.breaks('receipts say the truth', `${setup.name} says that ${placeOf(row)} is delivered, and it never accepted it`);
        if (skipped && !givenUp.has(row.id))
          this.ledger.breaks('receipts say the truth', `${setup.name} says that ${placeOf(row)} was skipped, and nobody skipped it`);
      }
    }
  }
}
