import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Account } from './account.js';
import { LocalServerError } from './local-server-error.js';

/** What the supervisor is told: the last command is the server. */
export interface Plan {
  readonly commands: readonly (readonly [file: string, ...args: string[]])[];
  readonly account: Account;
  /** The server's folder, which goes when the server goes. */
  readonly folder: string;
  readonly stopSignal: NodeJS.Signals;
  /** Where the server writes its log. Default: `'stderr'`; what goes to the other one is lost. */
  readonly logsTo?: 'stdout' | 'stderr';
}

export interface SuperviseOptions extends Plan {
  /** What to call the server in errors. */
  readonly name: string;
  /** The line that says that the server takes connections. */
  readonly ready: RegExp;
  /** Lines that explain no failure, and would push out those that do. */
  readonly chatter?: RegExp;
}

export interface Supervised {
  /** Ends the server and removes its folder. Idempotent. */
  stop(): Promise<void>;
}

const START_TIMEOUT_MS = 60_000;
const LOG_LINES = 20;

/**
 * Runs a server until `stop()`, or until this process is gone, by whatever death. Resolves once the server is ready.
 * The server does not keep this process alive.
 *
 * @throws {@link LocalServerError} `SERVER_DID_NOT_START` or `SERVER_TIMED_OUT`, with what the server printed last
 */
export async function supervise({ name, ready, chatter, ...plan }: SuperviseOptions): Promise<Supervised> {
  const supervisor = spawn(process.execPath, [fileURLToPath(new URL('supervisor.js', import.meta.url)), JSON.stringify(plan)], {
    detached: true, // a Ctrl-C is for us: the server has to outlive our own last words to it
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { PATH: process.env['PATH'], LC_ALL: 'C', TZ: 'UTC' }, // no PGPORT, NODE_OPTIONS or locale of the caller's
  });
  supervisor.stdin.on('error', () => undefined); // it is gone already: 'exit' says so
  const exited = new Promise<number | null>((resolve, reject) => supervisor.once('exit', resolve).once('error', reject));
  exited.catch(() => undefined);

  const stop = async (): Promise<void> => {
    supervisor.ref();
    supervisor.stdin.end();
    await exited;
  };

  const log: string[] = [];
  const lines = createInterface({ input: supervisor.stderr });
  const started = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (!chatter?.test(line)) log.push(line);
      if (log.length > LOG_LINES) log.shift();
      if (ready.test(line)) resolve();
    });
  });

  let timer: NodeJS.Timeout | undefined;
  const timedOut = new Promise<'timed out'>((resolve) => (timer = setTimeout(resolve, START_TIMEOUT_MS, 'timed out')));
  const outcome = await Promise.race([started, exited, timedOut]);
  clearTimeout(timer);

  if (outcome === 'timed out') {
    await stop();
    throw new LocalServerError('SERVER_TIMED_OUT', `${name} was not ready after ${START_TIMEOUT_MS} ms.`, log);
  }
  if (outcome !== undefined) throw new LocalServerError('SERVER_DID_NOT_START', `${name} ended with code ${outcome} while starting.`, log);

  supervisor.unref();
  (supervisor.stdin as unknown as { unref(): void }).unref();
  (supervisor.stderr as unknown as { unref(): void }).unref();
  return { stop };
}
