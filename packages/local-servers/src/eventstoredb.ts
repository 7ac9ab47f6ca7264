import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LocalServerError } from './local-server-error.js';

export interface StartEventStoreDBOptions {
  /** Take this server instead of starting the emulator. Default: the environment's EVENTSTOREDB_URL, if set. */
  readonly url?: string | undefined;
}

export interface LocalEventStoreDB {
  /** An `esdb://` address for the client's `connectionString`. */
  readonly url: string;
  /** One line that says which server this is. */
  readonly description: string;
  /** Ends an emulator that was started here; leaves any other server alone. Idempotent. */
  stop(): Promise<void>;
}

const KILL_AFTER_MS = 5_000;

/**
 * An EventStoreDB to work with: the one at the URL, or the emulator in a process of its own. The latter is gone when
 * this process is gone, by whatever death, and does not keep this process alive.
 *
 * @throws {@link LocalServerError} `SERVER_DID_NOT_START`, with what the emulator printed
 */
export async function startEventStoreDB({
  url = process.env['EVENTSTOREDB_URL'],
}: StartEventStoreDBOptions = {}): Promise<LocalEventStoreDB> {
  if (url) return { url, description: `EventStoreDB at ${new URL(url).host}, as EVENTSTOREDB_URL says`, stop: async () => undefined };

  const cli = fileURLToPath(new URL('cli.js', import.meta.resolve('@waybill/eventstoredb-emulator')));
  const emulator = spawn(process.execPath, [cli, '--port', '0', '--until-stdin-closes'], {
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
      const address = /esdb:\/\/\S+/.exec(line)?.[0];
      if (address) resolve(address);
    });
  });
  const address = await Promise.race([printed, exited.then(() => undefined)]);
  if (address === undefined) throw new LocalServerError('SERVER_DID_NOT_START', 'The EventStoreDB emulator ended while starting.', log);

  emulator.unref();
  for (const stream of [emulator.stdin, emulator.stdout, emulator.stderr]) (stream as unknown as { unref(): void }).unref();
  const stop = async (): Promise<void> => {
    emulator.ref();
    emulator.stdin.end();
    const impatience = setTimeout(() => emulator.kill('SIGKILL'), KILL_AFTER_MS);
    await exited;
    clearTimeout(impatience);
  };
  return { url: address, description: `the EventStoreDB emulator, at ${new URL(address).host}`, stop };
}
