import type { Pool, PoolClient } from 'pg';

export interface CheckedOut {
  readonly client: PoolClient;
  /** Gives the client back to the pool, or away for good when its connection was lost or `broken` is set. */
  release(broken?: Error | boolean): void;
}

/**
 * Takes a client out of the pool, with a listener for its end from the first moment on: without one a lost connection ends the process.
 *
 * By callback: the server's last words may be in the very packet that makes the client ready, before a promise could go on.
 */
export function checkOut(pool: Pool): Promise<CheckedOut> {
  return new Promise((resolve, reject) => {
    pool.connect((error, client) => {
      if (!client) return reject(error ?? new Error('The pool gave no client.'));
      let lost: Error | undefined;
      const onError = (end: Error): void => void (lost = end);
      client.on('error', onError);
      resolve({
        client,
        release: (broken) => {
          client.off('error', onError);
          client.release(lost ?? broken);
        },
      });
    });
  });
}
