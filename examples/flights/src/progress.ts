const BAR_WIDTH = 24;
const LOOKS = 5; // the rate is that of the last second or so

/** What has happened so far, and the line that tells it. */
export class Progress {
  commands = 0;
  events = 0;
  rollbacks = 0;
  /** Events in the outbox that EventStoreDB did not have yet, and those that it had, when last looked. */
  lag = 0;
  delivered = 0;
  mostLag = 0;
  /** Resolves when half of the commands are committed. */
  readonly halfway: Promise<void>;
  #reachHalf: () => void = () => {};
  #looks: readonly { readonly at: number; readonly delivered: number }[] = [];

  constructor(private readonly allCommands: number) {
    this.halfway = new Promise((resolve) => (this.#reachHalf = resolve));
  }

  committed(events: number): void {
    this.commands += 1;
    this.events += events;
    if (this.commands * 2 >= this.allCommands) this.#reachHalf();
  }

  /** Takes note of how many events wait. */
  look(lag: number): void {
    this.lag = lag;
    this.mostLag = Math.max(this.mostLag, lag);
    this.delivered = Math.max(this.delivered, this.events - lag);
    this.#looks = [...this.#looks.slice(1 - LOOKS), { at: performance.now(), delivered: this.delivered }];
  }

  line(): string {
    const share = this.commands / this.allCommands;
    const bar = '█'.repeat(Math.round(share * BAR_WIDTH)).padEnd(BAR_WIDTH, '░');
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    const counts = `committed ${number(this.events)}  delivered ${number(this.delivered)}  lag ${number(this.lag)}`;
    return `  ${bar} ${percent}  ${counts}  ${number(this.#rate())}/s`;
  }

  /** Events delivered a second, lately. */
  #rate(): number {
    const [first, last] = [this.#looks[0], this.#looks.at(-1)];
    if (!first || !last || first === last) return 0;
    return (1_000 * (last.delivered - first.delivered)) / (last.at - first.at);
  }
}

export const number = (value: number): string => Math.round(value).toLocaleString('en-US');
