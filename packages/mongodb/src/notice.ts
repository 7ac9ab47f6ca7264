/** What a change is about, for those who watch. */
export interface Notice {
  /** So that nobody listens to himself. */
  readonly sender: string;
  readonly lanes: readonly number[];
  /** Of a batch: how many it numbered. Of a signal: any number, so that no two are the same. */
  readonly count: number;
}

// One text, because of an array, or of a value that did not change, a change stream tells only the difference to a state that the reader
// may never have seen.
export const noticeText = (notice: Notice): string => JSON.stringify(notice);
export const noticeOf = (text: string): Notice => JSON.parse(text) as Notice;
