const BAR_WIDTH = 24;
const LOOKS = 5; // the rate is that of the last second or so

/** What has happened so far, and the line that tells it. */
export class Progress {
  committed = 0;
  /** Messages whose delivery the dispatcher has recorded. */
  delivered = 0;
  /** Messages that waited for the receiver, at most. */
  mostWaiting = 0;
  #looks: readonly { readonly at: number; readonly delivered: number }[] = [];
  readonly #milestones: { readonly at: number; readonly reach: () => void }[] = [];

  constructor(readonly all: number) {}

  get waiting(): number {
    return this.committed - this.delivered;
  }

  /** Resolves when this share of all messages is delivered. */
  share(share: number): Promise<void> {
    return new Promise((reach) => this.#milestones.push({ at: share * this.all, reach }));
  }

  commit(): void {
    this.committed += 1;
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting);
  }

  deliver(messages: number): void {
    this.delivered += messages;
    for (const { at, reach } of this.#milestones) if (this.delivered >= at) reach();
  }

  look(): void {
    this.#looks = [...this.#looks.slice(1 - LOOKS), { at: performance.now(), delivered: this.delivered }];
  }

  line(): string {
    const share = this.delivered / this.all;
    const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
    const counts = `committed ${number(this.committed)}  delivered ${number(this.delivered)}  waiting ${number(this.waiting)}`;
    return `  ${bar} ${`${Math.floor(share * 100)} %`.padStart(5)}  ${counts}  ${number(this.#rate())}/s`;
  }

  /** Messages delivered a second, lately. */
  #rate(): number {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (!first || !last || first === last) return 0;
    return (1_000 * (last.delivered - first.delivered)) / (last.at - first.at);
  }
}

export const number = (value: number): string => Math.round(value).toLocaleString('en-US');
