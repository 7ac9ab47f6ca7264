/** Whether what was measured was also right. A figure without one is worth nothing. */
export interface Verdict {
  readonly right: boolean;
  /** What was counted, in a few words. */
  readonly found: string;
}

/** What a figure is held against, measured in the same run. */
export interface Yardstick {
  readonly name: string;
  /** In the figure's unit. Absent where it could not be measured; its verdict then says why. */
  readonly value?: number;
  readonly verdict: Verdict;
}

/** One line of the table. */
export interface Figure {
  readonly section: string;
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly verdict: Verdict;
  readonly yardstick?: Yardstick;
  /** Ours to the yardstick: the median of pairs measured one right after the other, where there are pairs. */
  readonly ratio?: number;
  readonly target?: { readonly text: string; readonly met: boolean } | undefined;
}

export const atLeast = (limit: number, value: number, text = `>= ${limit}`): NonNullable<Figure['target']> => ({
  text,
  met: value >= limit,
});
export const atMost = (limit: number, value: number, text = `<= ${limit}`): NonNullable<Figure['target']> => ({
  text,
  met: value <= limit,
});
