/**
 * What the real server did with each append, one row an append. `ok 4 +2` accepts it, answers revision 4 and stores two events; `ok 1` accepts
 * it as a retry and stores nothing; `wev` refuses it with the current revision.
 */
export interface IdempotencyRow {
  readonly title: string;
  /** What the stream holds, one string an append: `['012']` was stored at once, `['0', '1']` one by one. Digits are events' revisions. */
  readonly stored: readonly string[];
  /** Digits for events the stream holds, `n` for one fresh event, `f` for an event of another stream. */
  readonly append: string;
  readonly noStream: string;
  /** With ANY and STREAM_EXISTS. */
  readonly weak: string;
  /** The same after a restart, where it differs. */
  readonly weakForgotten?: string;
  /** With STREAM_EXISTS, where it differs from ANY. */
  readonly streamExists?: string;
  /** With an exact revision. The current one is the length of the stream less one; every revision not named is refused. */
  readonly exact: Readonly<Record<number, string>>;
}

const ONE_BY_ONE = ['0', '1', '2'];
const AT_ONCE = ['012'];

const EMPTY_STREAM: readonly IdempotencyRow[] = [
  { title: 'a fresh event', stored: [], append: 'n', noStream: 'ok 0 +1', weak: 'ok 0 +1', streamExists: 'wev', exact: {} },
  { title: 'an event of another stream', stored: [], append: 'f', noStream: 'ok 0 +1', weak: 'ok 0 +1', streamExists: 'wev', exact: {} },
  { title: 'one event twice', stored: [], append: 'nn', noStream: 'ok 1 +2', weak: 'ok 1 +2', streamExists: 'wev', exact: {} },
  { title: 'no event', stored: [], append: '', noStream: 'ok 0', weak: 'ok 0', streamExists: 'wev', exact: {} },
];

const SINGLE_EVENTS: readonly IdempotencyRow[] = [
  {
    title: 'the only event',
    stored: ['0'],
    append: '0',
    noStream: 'ok 0',
    weak: 'ok 0',
    weakForgotten: 'ok 1 +1',
    exact: { 0: 'ok 1 +1' },
  },
  { title: 'a fresh event', stored: ['0'], append: 'n', noStream: 'wev', weak: 'ok 1 +1', exact: { 0: 'ok 1 +1' } },
  { title: 'a fresh event', stored: ONE_BY_ONE, append: 'n', noStream: 'wev', weak: 'ok 3 +1', exact: { 2: 'ok 3 +1' } },
  { title: 'an event of another stream', stored: ONE_BY_ONE, append: 'f', noStream: 'wev', weak: 'ok 3 +1', exact: { 2: 'ok 3 +1' } },
  {
    title: 'the first event',
    stored: ONE_BY_ONE,
    append: '0',
    noStream: 'ok 0',
    weak: 'ok 0',
    weakForgotten: 'ok 3 +1',
    exact: { 2: 'ok 3 +1' },
  },
  {
    title: 'a middle event',
    stored: ONE_BY_ONE,
    append: '1',
    noStream: 'wev',
    weak: 'ok 1',
    weakForgotten: 'ok 3 +1',
    exact: { 0: 'ok 1', 2: 'ok 3 +1' },
  },
  {
    title: 'the last event',
    stored: ONE_BY_ONE,
    append: '2',
    noStream: 'wev',
    weak: 'ok 2',
    weakForgotten: 'ok 3 +1',
    exact: { 1: 'ok 2', 2: 'ok 3 +1' },
  },
  { title: 'no event', stored: ONE_BY_ONE, append: '', noStream: 'wev', weak: 'ok 2', exact: { 2: 'ok 2' } },
];

/** The same whether the events were stored at once or one by one. */
const BATCHES: readonly Omit<IdempotencyRow, 'stored'>[] = [
  { title: 'everything', append: '012', noStream: 'ok 2', weak: 'ok 2', weakForgotten: 'ok 5 +3', exact: { 2: 'ok 5 +3' } },
  { title: 'the head', append: '01', noStream: 'ok 1', weak: 'ok 1', weakForgotten: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
  { title: 'the tail', append: '12', noStream: 'wev', weak: 'ok 2', weakForgotten: 'ok 4 +2', exact: { 0: 'ok 2', 2: 'ok 4 +2' } },
  { title: 'everything and more', append: '012n', noStream: 'wev', weak: 'wev', weakForgotten: 'ok 6 +4', exact: { 2: 'ok 6 +4' } },
  { title: 'the head and more', append: '01n', noStream: 'wev', weak: 'wev', weakForgotten: 'ok 5 +3', exact: { 2: 'ok 5 +3' } },
  { title: 'the tail and more', append: '12n', noStream: 'wev', weak: 'wev', weakForgotten: 'ok 5 +3', exact: { 2: 'ok 5 +3' } },
  { title: 'a known one, then a fresh one', append: '1n', noStream: 'wev', weak: 'wev', weakForgotten: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
  { title: 'a fresh one, then the first', append: 'n0', noStream: 'wev', weak: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
  { title: 'a fresh one, then a middle one', append: 'n1', noStream: 'wev', weak: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
  { title: 'the head backwards', append: '10', noStream: 'wev', weak: 'ok 0', weakForgotten: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
  { title: 'a selection with a gap', append: '02', noStream: 'wev', weak: 'ok 2', weakForgotten: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
  { title: 'a fresh one twice', append: 'nn', noStream: 'wev', weak: 'ok 4 +2', exact: { 2: 'ok 4 +2' } },
];

export const IDEMPOTENCY_TABLE: readonly IdempotencyRow[] = [
  ...EMPTY_STREAM,
  ...SINGLE_EVENTS,
  ...BATCHES.map((row) => ({ ...row, stored: AT_ONCE })),
  ...BATCHES.map((row) => ({ ...row, stored: ONE_BY_ONE })),
];
