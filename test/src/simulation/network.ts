import { DatabaseUnavailableError } from '@waybill/core';

/**
 * What becomes of a call: carried out and answered; carried out, and the answer is on its way; never carried out; carried out, and the
 * answer is lost. At sinks also: half of the batch accepted; what can be accepted behind a failure accepted, too.
 */
export type Fate = 'well' | 'answer-later' | 'lost' | 'answer-lost' | 'half' | 'beyond';

/** Whoever sends and gets answers. */
export interface Caller {
  readonly name: string;
  readonly state: 'running' | 'frozen' | 'gone';
  /** True while its database cannot be reached. */
  readonly cutOff: boolean;
}

/** Something that is on its way, and happens when the scheduler says so. */
export interface Pending {
  /** Names it in a story; the oldest of a name comes first. */
  readonly label: string;
  readonly kind: 'database' | 'sink' | 'answer' | 'hint' | 'moment';
  readonly caller: Caller;
  happen(fate: Fate): void;
}

/** Everything that is on its way between processes, database and sinks. */
export class Network {
  #pending: Pending[] = [];

  /** What can happen next: requests of anybody, also of the dead; answers only to those who can hear them. */
  possible(): readonly Pending[] {
    this.#pending = this.#pending.filter(({ kind, caller }) => isRequest(kind) || caller.state !== 'gone');
    return this.#pending.filter(({ kind, caller }) => isRequest(kind) || caller.state === 'running');
  }

  named(label: string): Pending | undefined {
    return this.possible().find((candidate) => candidate.label === label);
  }

  happen(pending: Pending, fate: Fate): void {
    this.#pending.splice(this.#pending.indexOf(pending), 1);
    pending.happen(fate);
  }

  post(pending: Pending): void {
    this.#pending.push(pending);
  }

  /** A call to the database. */
  callDatabase<Result>(caller: Caller, what: string, carryOut: () => Promise<Result>): Promise<Result> {
    return this.request(caller, 'database', what, async (fate) => {
      if (fate === 'lost' || caller.cutOff) throw new DatabaseUnavailableError('the connection was lost');
      const result = await carryOut();
      if (fate === 'answer-lost') throw new DatabaseUnavailableError('the connection was lost before the answer came');
      return result;
    });
  }

  /** A call that waits to be carried out; its answer waits, too, while the caller is frozen, and is lost on the dead. */
  request<Result>(caller: Caller, kind: 'database' | 'sink', what: string, carryOut: (fate: Fate) => Promise<Result>): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      const happen = (fate: Fate): void => {
        const answer = (hear: () => void): void => {
          const label = `${caller.name} hears of ${what}`;
          if (caller.state === 'running' && fate !== 'answer-later') hear();
          else this.post({ label, kind: 'answer', caller, happen: hear });
        };
        carryOut(fate).then(
          (result) => answer(() => resolve(result)),
          (error: Error) => answer(() => reject(error)),
        );
      };
      this.post({ label: `${caller.name} ${what}`, kind, caller, happen });
    });
  }

  /** A place where the process may be stopped. */
  pause(caller: Caller, what: string): Promise<void> {
    return new Promise((resolve) => this.post({ label: `${caller.name} ${what}`, kind: 'moment', caller, happen: () => resolve() }));
  }
}

const isRequest = (kind: Pending['kind']): boolean => kind === 'database' || kind === 'sink';
