/** A named place where a test can stop the program: each lies between two effects that a crash could separate. */
export type Moment =
  | 'received'
  | 'projected'
  | 'appended'
  | 'committed'
  | 'read'
  | 'delivered'
  | 'settled'
  | 'claimed'
  | 'called'
  | 'handled'
  | 'acked'
  | 'switching';

/** Awaited at each {@link Moment}. What it throws is treated like a failure at that place. */
export type Reached = (moment: Moment) => void | Promise<void>;
