import { carelessRetention } from '../broken-retention.js';
import type { Carelessness } from '../broken-retention.js';
import type { Defect } from './defect.js';

const noticedBy: Readonly<Record<Carelessness, string>> = {
  'takes the word of one route': 'keeps what one of the routes has not passed, in order "stream"',
  'forgets stopped streams': 'keeps what a stopped stream waits with, in order "global", until it is resumed',
  'needs no proof': 'removes nothing without a route, for there is no proof',
  'begins at the end': 'removes no more at once than asked, of each stream from the front, and says how many',
  'takes what is young': 'removes only what is older than asked',
  'counts what was gone already': 'counts each message once when several remove at the same time',
};

/** Removal that takes what somebody still needs. */
export const retentionDefects: readonly Defect[] = Object.entries(noticedBy).map(([carelessness, title]) => ({
  defect: `${carelessness} when it removes messages`,
  plant: carelessRetention(carelessness as Carelessness),
  noticedBy: title,
}));
