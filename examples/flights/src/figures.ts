import { number } from './progress.js';
import type { RunFigures } from './run.js';
import type { Verdict } from './verify.js';

const COLUMN = 46;

/** The run and its verdict as a table. */
export function figures({ progress, writingMs, deliveringMs, takeOver }: RunFigures, verdict: Verdict): string[] {
  const { faults, lags } = verdict;
  const ms = (duration: number | undefined): string => `${number(duration ?? 0)} ms`;
  const left: [string, string][] = [
    ['flights, each a stream', number(verdict.streams)],
    ['commands committed', number(progress.commands)],
    ['  of these rolled back once, on purpose', number(progress.rollbacks)],
    ['events committed', number(verdict.events)],
    ['  a second', number((1_000 * verdict.events) / writingMs)],
    ['events delivered a second', number((1_000 * verdict.events) / deliveringMs)],
    ['commit to EventStoreDB, half within', ms(lags.beforeKill.quantile(0.5))],
    ['  99 % within', ms(lags.beforeKill.quantile(0.99))],
    ['  longest, after the kill', ms(lags.later.quantile(1))],
    ['memory of the writing process, at most', `${number(process.resourceUsage().maxRSS / 1_024)} MB`],
  ];
  const right: [string, string][] = [
    ['lost', number(faults.lost)],
    ['doubled', number(faults.doubled)],
    ['reordered', number(faults.reordered)],
    ['changed on the way', number(faults.changed)],
    ['in EventStoreDB but never committed', number(faults.foreign)],
    ['airports whose board is wrong', number(faults.board)],
    ['notices of long delays', number(verdict.notices)],
    ['  missing, doubled or wrong', number(faults.notice)],
    [`take-over of ${takeOver.lanes} lanes after`, ms(takeOver.afterMs)],
    ['  events that waited meanwhile, at most', number(progress.mostLag)],
  ];
  return left.map((row, index) => `  ${cell(row)}    ${cell(right[index]!)}`.trimEnd());
}

const cell = ([name, value]: readonly [string, string]): string => `${name} ${value.padStart(COLUMN - 1 - name.length)}`;
