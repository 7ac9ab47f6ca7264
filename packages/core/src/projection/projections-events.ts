import type { FollowerEvents } from '../subscription/follower-events.js';

interface OfGeneration {
  readonly projection: string;
  readonly generation: number;
}

/** What happens to the projections that this process follows. */
export type ProjectionsEvents = {
  readonly [Name in keyof FollowerEvents]: FollowerEvents[Name] & OfGeneration;
} & {
  /** A generation is built beside the live one, by this process or another. */
  readonly rebuilding: OfGeneration;
  /** The rebuilt generation is the one that is read now. */
  readonly switched: OfGeneration;
  /** Its tables were dropped, if the projection says how. */
  readonly retired: OfGeneration;
  /** Something beside the events failed: a `prepare` or `retire`, or a look for what is to be done. It is tried again. */
  readonly trouble: { readonly projection: string; readonly error: unknown };
};
