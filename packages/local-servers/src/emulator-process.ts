import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LocalServerError } from './local-server-error.js';

export interface EmulatorProcessOptions {
  /** What to call the emulator in errors. */
  readonly name: string;
  /** The package whose `cli.js` is the emulator. */
  readonly module: string;
  /** What the emulator prints once it is ready. */
  readonly address: RegExp;
  /** More of its command line. */
  readonly args?: readonly string[];
}

export interface EmulatorProcess {
  readonly address: string;
  /** Idempotent. */
  stop(): Promise<void>;
}

const KILL_AFTER_MS = 5_000;

/**
 * An emulator in a process of its own: gone when this process is gone, by whatever death, and does not keep this process
 * alive.
 *
 * @throws {@link LocalServerError} `SERVER_DID_NOT_START`, with what the emulator printed
 */
export async function startEmulatorProcess({ name, module, address, args = [] }: EmulatorProcessOptions): Promise<EmulatorProcess> {
  const cli = fileURLToPath(new URL('cli.js', import.meta.resolve(module)));
  const emulator = spawn(process.execPath, [cli, '--port', '0', '--until-stdin-closes', ...args], {
    detached: true, // a Ctrl-C is for us: its end comes with our end of its standard input
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  emulator.stdin.on('error', () => undefined); // it is gone already: 'exit' says so
  const exited = once(emulator, 'exit');
  exited.catch(() => undefined);

  const log: string[] = [];
  createInterface({ input: emulator.stderr }).on('line', (line) => log.splice(0, log.length, ...log.slice(-19), line));
  const printed = new Promise<string>((resolve) => {
    createInterface({ input: emulator.stdout }).on('line', (line) => {
      const found = address.exec(line)?.[0];
      if (found) resolve(found);
    });
  });
  const ready = await Promise.race([printed, exited.then(() => undefined)]);
  if (ready === undefined) throw new LocalServerError('SERVER_DID_NOT_START', `${name} ended while starting.`, log);

  emulator.unref();
  for (const stream of [emulator.stdin, emulator.stdout, emulator.stderr]) (stream as unknown as { unref(): void }).unref();
  const stop = async (): Promise<void> => {
    emulator.ref();
    emulator.stdin.end();
    const impatience = setTimeout(() => emulator.kill('SIGKILL'), KILL_AFTER_MS);
    await exited;
    clearTimeout(impatience);
  };
  return { address: ready, stop };
}
