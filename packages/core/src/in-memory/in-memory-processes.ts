import type { Clock } from '../clock.js';
import type {
  DueTimeout,
  ProcessKey,
  ProcessLine,
  ProcessQuery,
  ProcessStore,
  RemoveProcessesOptions,
  StoredProcess,
  TimeoutNames,
  TimeoutToSet,
} from '../process/process-store.js';
import type { InMemoryTransactions, InMemoryTx } from './in-memory-transactions.js';

/** What a transaction has done to time-outs, by their key: set anew, or taken away. */
type OwnTimeouts = Map<string, DueTimeout | undefined>;

/** Processes and their time-outs; a process is locked by who reads it until its transaction ends. */
export class InMemoryProcesses implements ProcessStore<InMemoryTx> {
  readonly #processes = new Map<string, ProcessLine>();
  readonly #timeouts = new Map<string, DueTimeout>();

  constructor(
    private readonly clock: Clock,
    private readonly transactions: InMemoryTransactions,
  ) {}

  async lock(key: ProcessKey, tx: InMemoryTx): Promise<StoredProcess | undefined> {
    const name = nameOf(key);
    await this.transactions.lock(name, tx);
    const own = tx.own.get(name) as StoredProcess | undefined;
    if (own) return own;
    const stored = this.#processes.get(name);
    if (!stored) return undefined;
    const { startedAt: _startedAt, changedAt: _changedAt, ...process } = stored;
    return process;
  }

  save(process: StoredProcess, tx: InMemoryTx): Promise<void> {
    const name = nameOf(process);
    const stored = structuredClone(process); // what the caller does to it afterwards is not stored
    tx.own.set(name, stored);
    tx.onCommit(() => {
      const now = this.clock.now();
      this.#processes.set(name, { ...stored, startedAt: this.#processes.get(name)?.startedAt ?? now, changedAt: now });
    });
    return Promise.resolve();
  }

  async schedule({ afterMs, ...timeout }: TimeoutToSet, tx: InMemoryTx): Promise<void> {
    const dueAt = new Date(this.clock.now().getTime() + afterMs);
    await this.#write(timeoutName(timeout, timeout.timeout), { ...timeout, dueAt }, tx);
  }

  async cancel(key: ProcessKey, timeout: string | undefined, tx: InMemoryTx): Promise<void> {
    if (timeout !== undefined) return this.#write(timeoutName(key, timeout), undefined, tx);
    const known = [...this.#timeouts.values(), ...ownTimeouts(tx).values()];
    for (const set of known) if (set?.process === key.process && set.key === key.key) await this.cancel(key, set.timeout, tx);
  }

  due(
    processes: readonly string[],
    most: number,
    { prefix = '', without = false }: Partial<TimeoutNames> = {},
  ): Promise<readonly DueTimeout[]> {
    const now = this.clock.now();
    const due = [...this.#timeouts.values()].filter(
      ({ process, timeout, dueAt }) => processes.includes(process) && dueAt <= now && timeout.startsWith(prefix) !== without,
    );
    return Promise.resolve(due.sort((one, other) => one.dueAt.getTime() - other.dueAt.getTime()).slice(0, most));
  }

  async take(due: DueTimeout, tx: InMemoryTx): Promise<boolean> {
    const name = timeoutName(due, due.timeout);
    await this.transactions.lock(name, tx);
    const own = ownTimeouts(tx);
    const set = own.has(name) ? own.get(name) : this.#timeouts.get(name);
    if (set?.id !== due.id) return false;
    await this.#write(name, undefined, tx);
    return true;
  }

  find({ process, key, status, step, most }: ProcessQuery): Promise<readonly ProcessLine[]> {
    const found = [...this.#processes.values()].filter(
      (line) =>
        (process === undefined || process === line.process) &&
        (key === undefined || key === line.key) &&
        (status === undefined || status === line.status) &&
        (step === undefined || line.steps.some(({ state }) => state === step)),
    );
    return Promise.resolve(found.sort(byChange).slice(0, most));
  }

  names(): Promise<readonly string[]> {
    const open = [...this.#processes.values()].filter((line) => !isOver(line));
    return Promise.resolve([...new Set(open.map(({ process }) => process))].sort());
  }

  remove({ process, olderThanMs, most }: RemoveProcessesOptions): Promise<number> {
    const horizon = this.clock.now().getTime() - olderThanMs;
    const gone = [...this.#processes.values()]
      .filter((line) => line.process === process && isOver(line) && line.changedAt.getTime() <= horizon)
      .sort(byChange)
      .slice(0, most);
    for (const line of gone) {
      this.#processes.delete(nameOf(line));
      for (const [name, set] of this.#timeouts) if (nameOf(set) === nameOf(line)) this.#timeouts.delete(name);
    }
    return Promise.resolve(gone.length);
  }

  async #write(name: string, timeout: DueTimeout | undefined, tx: InMemoryTx): Promise<void> {
    await this.transactions.lock(name, tx);
    ownTimeouts(tx).set(name, timeout);
    tx.onCommit(() => (timeout ? this.#timeouts.set(name, timeout) : this.#timeouts.delete(name)));
  }
}

const nameOf = ({ process, key }: ProcessKey): string => `process ${JSON.stringify([process, key])}`;
const timeoutName = ({ process, key }: ProcessKey, timeout: string): string => `timeout ${JSON.stringify([process, key, timeout])}`;
const isOver = ({ status }: StoredProcess): boolean => status === 'completed' || status === 'compensated';
const byChange = (one: ProcessLine, other: ProcessLine): number => one.changedAt.getTime() - other.changedAt.getTime();

function ownTimeouts(tx: InMemoryTx): OwnTimeouts {
  const own = (tx.own.get('timeouts') as OwnTimeouts | undefined) ?? new Map<string, DueTimeout | undefined>();
  tx.own.set('timeouts', own);
  return own;
}
