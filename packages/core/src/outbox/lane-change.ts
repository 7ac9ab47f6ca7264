/** What {@link Database.changeLanes} did, for a person to read. */
export interface LaneChange {
  readonly from: number;
  /** Equal to `from` when there was nothing to do. */
  readonly to: number;
  /** Messages that are in another lane now. */
  readonly moved: number;
}
