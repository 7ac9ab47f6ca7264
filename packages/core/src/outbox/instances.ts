/** One dispatcher, under one route: a run of its own for each start. */
export interface InstanceBeat {
  readonly route: string;
  /** Of this run: no two runs share it, though they may share the name. */
  readonly id: string;
  readonly name: string;
  /** Counts as alive for so many milliseconds from now, by the database's clock. */
  readonly aliveMs: number;
}

export interface LiveInstance {
  readonly route: string;
  readonly id: string;
  readonly name: string;
  readonly aliveUntil: Date;
}

/** Who runs which route: lanes are shared out among those that are alive. */
export interface Instances {
  /** Signs on, or on again. Answers every live instance of the route, this one among them, by id in ascending order. Forgets those that are gone. */
  beat(instance: InstanceBeat): Promise<readonly LiveInstance[]>;

  /** Signs off from a route, so that the others need not wait until it counts as gone. */
  leave(route: string, id: string): Promise<void>;

  /** Every live instance of every route. */
  live(): Promise<readonly LiveInstance[]>;
}
