import type { Alarm, Finding } from './alarm.js';

const TITLES_TOLD = 5;

/** Alarms that were not told one by one, counted until one message can tell of all of them. */
export class HeldBack {
  readonly #counts = new Map<string, number>();
  #titles: readonly string[] = [];

  get any(): boolean {
    return this.#counts.size > 0;
  }

  add({ kind, state, title }: Alarm): void {
    const what = state === 'resolved' ? `${kind}, resolved` : kind;
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + 1);
    if (this.#titles.length < TITLES_TOLD) this.#titles = [...this.#titles, title];
  }

  /** The one message; counting begins anew. */
  takeSummary(since: Date): Finding {
    const total = [...this.#counts.values()].reduce((sum, count) => sum + count, 0);
    const summary: Finding = {
      kind: 'held-back',
      key: 'held-back',
      since,
      title: `${total} more ${total === 1 ? 'alarm' : 'alarms'} at once`,
      text: [
        'There were too many to tell one by one:',
        ...[...this.#counts].map(([what, count]) => `  ${count} ${what}`),
        `The first of them: ${this.#titles.join('; ')}.`,
        'dispatcher.lanes() and dispatcher.stopped() list what stands still; the log has every one.',
      ].join('\n'),
    };
    this.#counts.clear();
    this.#titles = [];
    return summary;
  }
}
