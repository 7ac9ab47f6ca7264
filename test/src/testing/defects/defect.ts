import type { Replace } from '../broken-database.js';

/** A way in which adapters have gone wrong, or could. */
export interface Defect {
  readonly defect: string;
  readonly plant: Replace;
  /** Words of the title of a test that must fail. */
  readonly noticedBy: string;
}
