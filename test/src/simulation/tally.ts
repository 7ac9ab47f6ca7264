/** What simulated worlds went through: that nothing broke is worth little where nothing happened. */
export interface Tally {
  seeds: number;
  steps: number;
  messages: number;
  takeOvers: number;
  zombies: number;
  staleWrites: number;
  crashes: number;
  cutOffs: number;
  outages: number;
  lostAnswers: number;
  duplicates: number;
  halts: number;
  parkedStreams: number;
  skipped: number;
  orders: number;
}

export const emptyTally = (): Tally => ({
  ...{ seeds: 0, steps: 0, messages: 0, takeOvers: 0, zombies: 0, staleWrites: 0, crashes: 0, cutOffs: 0, outages: 0 },
  ...{ lostAnswers: 0, duplicates: 0, halts: 0, parkedStreams: 0, skipped: 0, orders: 0 },
});

export function addTally(sum: Tally, more: Tally): void {
  for (const key of Object.keys(sum) as (keyof Tally)[]) sum[key] += more[key];
}

/** One line for people: `1,000 seeds, 300,000 steps, ...`. */
export function tallyText(tally: Tally): string {
  const words = (key: string): string => key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
  return Object.entries(tally)
    .map(([key, count]: [string, number]) => `${count.toLocaleString('en')} ${words(key)}`)
    .join(', ');
}
