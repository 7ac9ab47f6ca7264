import type { Moment } from '@waybill/core';

/** What an armed crash point throws. */
export class CrashPointError extends Error {
  constructor(
    readonly moment: Moment,
    readonly nth: number,
  ) {
    super(`Stopped by a test at "${moment}", time ${nth}.`);
    this.name = new.target.name;
  }
}

export interface CrashOptions {
  /** At which time the moment is reached from now on. Default 1, the next. */
  readonly nth?: number;
}

interface ArmedPoint {
  readonly moment: Moment;
  left: number;
  act(): void | Promise<void>;
}

/**
 * Stops a program at a named moment: throws there, holds it, or ends the process with SIGKILL.
 *
 * Pass {@link CrashPoints.reached} as the option `reached` of what is to stop. Each point fires once; several can be armed.
 */
export class CrashPoints {
  #armed: ArmedPoint[] = [];

  readonly reached = async (moment: Moment): Promise<void> => {
    const due = this.#armed.filter((point) => point.moment === moment && --point.left === 0);
    this.#armed = this.#armed.filter((point) => !due.includes(point));
    for (const { act } of due) await act();
  };

  /** Throws a {@link CrashPointError} there. */
  throwAt(moment: Moment, { nth = 1 }: CrashOptions = {}): void {
    this.#arm(moment, nth, () => {
      throw new CrashPointError(moment, nth);
    });
  }

  /** Ends this process there, as a power cut does: nothing is cleaned up, nothing is sent. */
  killAt(moment: Moment, { nth = 1 }: CrashOptions = {}): void {
    this.#arm(moment, nth, () => {
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => {}); // the signal is on its way: go no further
    });
  }

  /** Resolves when the moment is reached next, and holds whoever reached it until `release()`. */
  holdAt(moment: Moment): Promise<{ release(): void }> {
    return new Promise((resolve) => {
      this.#arm(moment, 1, () => new Promise<void>((go) => resolve({ release: () => go() })));
    });
  }

  #arm(moment: Moment, nth: number, act: () => void | Promise<void>): void {
    if (!Number.isInteger(nth) || nth < 1) throw new RangeError(`nth is ${nth}; it counts from 1.`);
    this.#armed.push({ moment, left: nth, act });
  }
}
