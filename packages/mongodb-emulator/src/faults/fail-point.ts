import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';

type Mode = { readonly kind: 'off' | 'alwaysOn' } | { readonly kind: 'times' | 'skip' | 'probability'; left: number };

/** One named place where the server fails on purpose, switched by `configureFailPoint`. */
export class FailPoint {
  #mode: Mode = { kind: 'off' };
  #data: Document = {};
  #entered = 0;

  constructor(private readonly random: () => number = Math.random) {}

  /** How often it has taken effect since the server started. */
  get timesEntered(): number {
    return this.#entered;
  }

  get isOn(): boolean {
    return this.#mode.kind !== 'off';
  }

  /** @throws ServerError 2 for a mode that there is not */
  configure(mode: unknown, data: Document = {}): void {
    this.#mode = readMode(mode);
    this.#data = data;
  }

  /**
   * Its data if it takes effect now. Nothing is counted for what the condition leaves out.
   *
   * @param concerns - whether data of this kind is about what happens now
   */
  enter(concerns: (data: Document) => boolean): Document | undefined {
    if (this.#mode.kind === 'off' || !concerns(this.#data) || !this.#strikes(this.#mode)) return undefined;
    this.#entered += 1;
    return this.#data;
  }

  #strikes(mode: Mode): boolean {
    switch (mode.kind) {
      case 'off':
        return false;
      case 'alwaysOn':
        return true;
      case 'probability':
        return this.random() < mode.left;
      case 'skip':
        mode.left -= 1;
        return mode.left < 0;
      case 'times':
        mode.left -= 1;
        if (mode.left <= 0) this.#mode = { kind: 'off' };
        return true;
    }
  }
}

function readMode(mode: unknown): Mode {
  if (mode === 'off' || mode === 'alwaysOn') return { kind: mode };
  const { times, skip, activationProbability } = (typeof mode === 'object' && mode !== null ? mode : {}) as Document;
  if (times !== undefined) return Number(times) > 0 ? { kind: 'times', left: Number(times) } : { kind: 'off' };
  if (skip !== undefined) return { kind: 'skip', left: Number(skip) };
  if (activationProbability !== undefined) return { kind: 'probability', left: Number(activationProbability) };
  throw new ServerError(CODES.BadValue, `A fail point's mode is 'off', 'alwaysOn', { times }, { skip } or { activationProbability }.`);
}
