/** How much is measured. */
export interface Sizes {
  /** Rounds of contenders that run in turn. */
  readonly rounds: number;
  readonly commits: number;
  readonly raceMs: number;
  readonly backlog: number;
  /** Peers that handle a few thousand messages a second get so many: a rate needs no more. */
  readonly graphileBacklog: number;
  readonly pgTransactionalBacklog: number;
  readonly appendedEvents: number;
  readonly httpMessages: number;
  readonly handledMessages: number;
  readonly followedEvents: number;
  readonly latencyMs: number;
  readonly idleMs: number;
  /** What must not change what is sent. */
  readonly deliveredBefore: number;
  readonly deliveredRows: number;
  readonly pendingRows: number;
  readonly memoryBacklog: number;
}

const USUAL: Sizes = {
  rounds: 7,
  commits: 2_000,
  raceMs: 3_000,
  backlog: 100_000,
  graphileBacklog: 20_000,
  pgTransactionalBacklog: 2_000,
  appendedEvents: 10_000,
  httpMessages: 8_000,
  handledMessages: 4_000,
  followedEvents: 200_000,
  latencyMs: 10_000,
  idleMs: 10_000,
  deliveredBefore: 100_000,
  deliveredRows: 1_000_000,
  pendingRows: 100_000,
  memoryBacklog: 200_000,
};

export const SIZES = {
  usual: USUAL,
  /** What the targets name; fills twelve million rows, so it takes its time. */
  large: {
    ...USUAL,
    graphileBacklog: 100_000,
    deliveredRows: 10_000_000,
    pendingRows: 1_000_000,
    memoryBacklog: 1_000_000,
    followedEvents: 1_000_000,
  },
  /** Shows that everything works; its figures mean nothing. */
  quick: {
    ...{ rounds: 1, commits: 50, raceMs: 300, backlog: 2_000, graphileBacklog: 200, pgTransactionalBacklog: 50 },
    ...{
      appendedEvents: 500,
      httpMessages: 200,
      handledMessages: 100,
      followedEvents: 2_000,
      latencyMs: 300,
      idleMs: 300,
      deliveredBefore: 2_000,
      deliveredRows: 4_000,
      pendingRows: 2_000,
      memoryBacklog: 4_000,
    },
  },
} as const satisfies Record<string, Sizes>;

/** The same for a server that cannot hold so much; figures say how much it was. */
export function atMost(sizes: Sizes, messages: number): Sizes {
  const { deliveredRows, pendingRows, memoryBacklog } = sizes;
  return {
    ...sizes,
    deliveredRows: Math.min(deliveredRows, messages),
    pendingRows: Math.min(pendingRows, messages / 10),
    memoryBacklog: Math.min(memoryBacklog, messages),
  };
}
