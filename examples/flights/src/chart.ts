import type { BoardLine } from './delay-board.js';

const BARS = 8;
const BAR_WIDTH = 32;
const NAME_WIDTH = 35;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

/** The airports with the most minutes of delay per departure, as bars of text. Leaves out those with too few departures to tell. */
export function delayChart(board: readonly BoardLine[], names: ReadonlyMap<string, string>): string[] {
  const departures = board.reduce((sum, { departed }) => sum + departed, 0);
  const enough = Math.max(1, Math.min(departures / board.length, 1_000));
  const worst = board
    .filter(({ departed }) => departed >= enough)
    .map((line) => ({ ...line, mean: line.delayMinutes / line.departed }))
    .sort((one, other) => other.mean - one.mean)
    .slice(0, BARS);
  const longest = Math.max(...worst.map(({ mean }) => mean));
  return worst.map(({ airport, mean, delayed, departed }) => {
    const [minutes, share] = [mean.toFixed(1).padStart(5), `${Math.round((100 * delayed) / departed)}`.padStart(3)];
    return `  ${airport}  ${fit(names.get(airport) ?? '')}${minutes} min ${share} % late  ${bar(mean / longest)}`;
  });
}

function bar(share: number): string {
  const eighths = Math.round(share * BAR_WIDTH * 8);
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

function fit(name: string): string {
  return (name.length > NAME_WIDTH ? `${name.slice(0, NAME_WIDTH - 1)}…` : name).padEnd(NAME_WIDTH);
}
