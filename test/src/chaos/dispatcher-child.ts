import type { DispatcherOrder } from './dispatcher-order.js';
import { ForkedProgram } from './forked-program.js';

export interface ChildOrder extends DispatcherOrder {
  /** How wrong its clock is, in milliseconds. */
  readonly clockOffByMs?: number;
}

/** What a lane halts with when several processes in a row were killed at one message: here it was chance. */
export const SUSPECTED = /process was gone/;

const PROGRAM = new URL('dispatcher-process.js', import.meta.url);

/**
 * A dispatcher in a process of its own, seen from outside.
 *
 * @param halted - called when a lane halts for a reason that no fault explains
 */
export const startDispatcher = ({ clockOffByMs, ...order }: ChildOrder, halted: () => void): ForkedProgram =>
  new ForkedProgram(PROGRAM, order, {
    clockOffByMs,
    heard: ({ name, error }) => {
      if (name === 'halted' && !SUSPECTED.test(String(error))) halted();
    },
  });
