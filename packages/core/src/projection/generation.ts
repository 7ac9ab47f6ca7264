import type { Projector } from '../unit-of-work/projector.js';

/** One set of tables of a projection, and what writes them. */
export interface Generation<Tx> {
  readonly projector: Projector<Tx>;
  readonly generation: number;
}

/** The durable name under which the place of a generation is stored. */
export const subscriptionOf = (projection: string, generation: number): string => `projection ${projection}#${generation}`;
