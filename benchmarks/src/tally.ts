import type { Verdict } from './figure.js';

/** Counts what arrives: how many, how often out of order within its stream. Cheap, for it runs inside what is measured. */
export class Tally {
  readonly #next = new Map<string, number>();
  #taken = 0;
  #disordered = 0;

  take(stream: string, revision: number): void {
    const expected = this.#next.get(stream) ?? 0;
    if (revision !== expected) this.#disordered++;
    this.#next.set(stream, Math.max(expected, revision + 1));
    this.#taken++;
  }

  get taken(): number {
    return this.#taken;
  }

  /** @param ordered - false where nobody promised order: then it is told, and not held against anybody */
  verdict(expected: number, ordered = true): Verdict {
    const reached = [...this.#next.values()].reduce((sum, next) => sum + next, 0);
    const right = this.#taken === expected && reached === expected && (!ordered || this.#disordered === 0);
    if (right && this.#disordered === 0) return { right, found: `${expected} once, each stream in order` };
    const order = ordered ? `${this.#disordered} out of order` : `no order promised (${this.#disordered} out of order)`;
    return { right, found: right ? `${expected} once, ${order}` : `${this.#taken} taken of ${expected}, ${order}` };
  }
}
