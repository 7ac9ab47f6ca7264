import { median } from './statistics.js';

/** Measures once and answers a rate: more is better. */
export type Contender = () => Promise<number>;

export interface Rounds<Name extends string> {
  /** Median of all rounds. */
  readonly rate: (name: Name) => number;
  /** Median over the rounds of one's rate to the other's in the same round. */
  readonly ratio: (name: Name, to: Name) => number;
}

/**
 * Lets contenders run in turn, A B A B, so that a machine that is busy for a while is so for all of them. Every other round goes
 * backwards: nobody is always the first after a pause. One round before is not counted.
 */
export async function inTurn<Name extends string>(rounds: number, contenders: Readonly<Record<Name, Contender>>): Promise<Rounds<Name>> {
  const names = Object.keys(contenders) as Name[];
  const rates = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round <= rounds; round++) {
    for (const name of round % 2 === 0 ? names : [...names].reverse()) {
      const rate = await contenders[name]();
      if (round > 0) rates.get(name)!.push(rate);
    }
  }
  return {
    rate: (name) => median(rates.get(name)!),
    ratio: (name, to) => median(rates.get(name)!.map((rate, round) => rate / rates.get(to)![round]!)),
  };
}
