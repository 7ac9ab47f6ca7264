import type { RemoveOptions } from '../outbox/retention.js';

/** `pending`: begun, and nobody knows yet what came of it. `stuck`: nobody could find out; a person has to say. */
export type StepState = 'pending' | 'completed' | 'failed' | 'compensating' | 'compensated' | 'stuck';

/** One step of a process, in the order in which they were begun. */
export interface StoredStep {
  readonly step: string;
  readonly state: StepState;
  /** ISO 8601. */
  readonly begunAt: string;
  /** How often the status query was asked without an answer that decides. */
  readonly asked: number;
  /** Its place among the steps that were completed, 1 the first: they are taken back from the last to the first. */
  readonly completion?: number;
  /** Why it failed, or is stuck. */
  readonly detail?: string;
}

/** `running` goes on with messages and timeouts; `compensating` takes back what was done, last step first; the others are over. */
export type ProcessStatus = 'running' | 'compensating' | 'completed' | 'compensated';

export interface ProcessKey {
  /** The process manager's durable name. */
  readonly process: string;
  /** What its messages have in common, e.g. the order's id. */
  readonly key: string;
}

/** One process, as it is kept. */
export interface StoredProcess extends ProcessKey {
  readonly status: ProcessStatus;
  /** Why its steps are taken back; `undefined` as long as they are not. */
  readonly reason: string | undefined;
  /** JSON text. */
  readonly state: string;
  /** Of the shape that `state` was written in. */
  readonly schemaVersion: number;
  readonly steps: readonly StoredStep[];
  /** The conversation that began it. */
  readonly correlationId: string;
}

/** A process as operators see it. */
export interface ProcessLine extends StoredProcess {
  readonly startedAt: Date;
  readonly changedAt: Date;
}

/** A time-out that is set: fires once, unless it is set anew or cancelled before. */
export interface DueTimeout extends ProcessKey {
  readonly timeout: string;
  /** Of this setting: setting it anew makes another. */
  readonly id: string;
  readonly dueAt: Date;
}

/** Which time-outs: those whose names begin with a text, or all others. */
export interface TimeoutNames {
  readonly prefix: string;
  readonly without?: boolean;
}

export interface ProcessQuery {
  readonly process?: string;
  readonly key?: string;
  readonly status?: ProcessStatus;
  /** Only those with a step in this state. */
  readonly step?: StepState;
  /** Most to answer, 1 to 1,000; the longest unchanged first. */
  readonly most: number;
}

/** A time-out that is not due before `afterMs` have passed. */
export interface TimeoutToSet extends ProcessKey {
  readonly timeout: string;
  readonly id: string;
  readonly afterMs: number;
}

/** Age counts from the last change. */
export interface RemoveProcessesOptions extends RemoveOptions {
  readonly process: string;
}

/** Keeps the state of processes, and their time-outs, in the transaction of what they do. */
export interface ProcessStore<Tx> {
  /**
   * Reads one inside `tx`, and locks it until `tx` ends, also where there is none yet: of two transactions that begin one process the second
   * waits, or conflicts and comes again.
   */
  lock(key: ProcessKey, tx: Tx): Promise<StoredProcess | undefined>;

  /** Stores it inside the `tx` that has locked it. */
  save(process: StoredProcess, tx: Tx): Promise<void>;

  /** Sets a time-out inside a `tx` that has locked the process, due `afterMs` from now by the database's clock, in place of one of the same name. */
  schedule(timeout: TimeoutToSet, tx: Tx): Promise<void>;

  /** Takes a time-out back inside a `tx` that has locked the process; without a name all of the process. One that is not set is left alone. */
  cancel(key: ProcessKey, timeout: string | undefined, tx: Tx): Promise<void>;

  /** Those of these processes that are due by the database's clock, the longest due first. Every caller gets the same ones. Default: of all names. */
  due(processes: readonly string[], most: number, names?: TimeoutNames): Promise<readonly DueTimeout[]>;

  /** Takes a due one inside `tx`, to act on it. @returns false when it is gone: it has fired, was set anew, or was cancelled */
  take(due: DueTimeout, tx: Tx): Promise<boolean>;

  find(query: ProcessQuery): Promise<readonly ProcessLine[]>;

  /** Under which names there are processes that are not over, sorted. */
  names(): Promise<readonly string[]>;

  /** Removes processes that are over and have not changed for so long, with what is left of their time-outs. @returns how many; fewer than `most` when no more can go now */
  remove(options: RemoveProcessesOptions): Promise<number>;
}
