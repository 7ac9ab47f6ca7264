import { BrokenPromise } from './broken-promise.js';
import type { PromiseName } from './broken-promise.js';
import type { PlacedRow } from './placed-row.js';
import type { RouteSetup, Setup } from './setup.js';

/** What one route's target was sent and has accepted, message by message. */
export class RouteLedger {
  readonly accepted = new Set<string>();
  /** Skipped by a person, or discarded: nobody waits for them. */
  readonly givenUp = new Set<string>();
  /** How often a message may have failed by its own fault, at most. */
  readonly faults = new Map<string, number>();
  /** How much the target had accepted when the message failed last. */
  readonly acceptancesAtFailure = new Map<string, number>();
  acceptances = 0;
  /** By message: how often a person has had its lane, or stream, go on with it. */
  readonly #goOns = new Map<string, number>();
  /** By message: how often a person had had it go on when it was sent. */
  readonly #sent = new Map<string, number>();

  constructor(readonly setup: RouteSetup) {}

  selects(stream: string): boolean {
    return this.setup.prefix === undefined || stream.startsWith(this.setup.prefix);
  }

  settledFor(id: string): boolean {
    return this.accepted.has(id) || this.givenUp.has(id);
  }

  /** A person has had a lane, or a stream, go on that stood at this message. */
  goesOn(id: string | undefined): void {
    if (id !== undefined) this.#goOns.set(id, (this.#goOns.get(id) ?? 0) + 1);
  }

  /** @returns whether it was sent before, and nobody has said since that it is to be sent */
  sends({ id }: { readonly id: string }): boolean {
    const goOns = this.#goOns.get(id) ?? 0;
    const isRepeat = this.#sent.get(id) === goOns;
    this.#sent.set(id, goOns);
    return isRepeat;
  }

  /** Its sender was told that it was not taken: it may be sent again. */
  notTaken(id: string): void {
    this.#sent.delete(id);
  }

  blame(id: string): void {
    this.faults.set(id, (this.faults.get(id) ?? 0) + 1);
  }

  /** The message could not be delivered; it is to blame if others got through since it failed last. */
  unavailable(id: string): void {
    const before = this.acceptancesAtFailure.get(id);
    if (before !== undefined && this.acceptances > before) this.blame(id);
    this.acceptancesAtFailure.set(id, this.acceptances);
  }
}

/** A message's row, and how many transactions had committed when its own began. */
export interface LedgerRow extends PlacedRow {
  readonly begunAfter: number;
}

/** What truly happened: what was committed and what the targets accepted. Every promise is checked against it. */
export class Ledger {
  readonly routes: ReadonlyMap<string, RouteLedger>;
  readonly #rows = new Map<string, LedgerRow>();
  #broken: BrokenPromise | undefined;
  duplicates = 0;

  constructor({ routes }: Setup) {
    this.routes = new Map(routes.map((route) => [route.name, new RouteLedger(route)]));
  }

  get broken(): BrokenPromise | undefined {
    return this.#broken;
  }

  breaks(promise: PromiseName, seen: string): void {
    this.#broken ??= new BrokenPromise(promise, seen);
  }

  appended(row: LedgerRow): void {
    this.#rows.set(row.id, row);
  }

  /** In the order of their positions. */
  committed(): readonly LedgerRow[] {
    return [...this.#rows.values()].filter(({ commit }) => commit !== undefined);
  }

  /** Messages that were committed, that the route selects, and that it is not done with. */
  missing({ name }: { readonly name: string }): readonly LedgerRow[] {
    const route = this.routes.get(name)!;
    return this.committed().filter(({ id, stream }) => route.selects(stream) && !route.settledFor(id));
  }

  accept(name: string, id: string): void {
    const route = this.routes.get(name)!;
    const row = this.#rows.get(id);
    if (row?.commit === undefined)
      return this.breaks('G1 rolled back is never delivered', `${name} accepted ${id}, which was never committed`);
    route.acceptances++;
    if (route.accepted.has(id)) {
      this.duplicates++;
      return;
    }
    if (!route.givenUp.has(id)) this.#checkOrder(route, row);
    route.accepted.add(id);
  }

  #checkOrder(route: RouteLedger, row: LedgerRow): void {
    const { name, order } = route.setup;
    const missing = this.missing(route.setup);
    const earlier = missing.find(({ stream, revision }) => stream === row.stream && revision < row.revision);
    if (earlier)
      this.breaks(
        'G2 first acceptances in order, without holes',
        `${name} accepted ${placeOf(row)} before ${placeOf(earlier)}, which it has not accepted yet`,
      );
    const cause = order === 'global' ? missing.find(({ commit }) => commit! <= row.begunAfter) : undefined;
    if (cause)
      this.breaks(
        'G2 one order that respects causality',
        `${name} accepted ${placeOf(row)} before ${placeOf(cause)}, committed before it began`,
      );
  }
}

export const placeOf = ({ stream, revision }: { readonly stream: string; readonly revision: bigint }): string => `${stream}@${revision}`;
