import type { Reached } from '@waybill/core';
import type { Death } from './child-orders.js';

/** For the option `reached`: ends this process at its death. Nothing is cleaned up, nothing is sent. */
export function untilDeath(death: Death | undefined): Reached {
  let left = death?.nth ?? 0;
  return (moment) => {
    if (moment !== death?.moment || --left !== 0) return undefined;
    process.kill(process.pid, 'SIGKILL');
    return new Promise(() => {}); // the signal is on its way: go no further
  };
}
