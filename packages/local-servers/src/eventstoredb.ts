import { startEmulatorProcess } from './emulator-process.js';

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

  const { address, stop } = await startEmulatorProcess({
    name: 'The EventStoreDB emulator',
    module: '@waybill/eventstoredb-emulator',
    address: /esdb:\/\/\S+/,
  });
  return { url: address, description: `the EventStoreDB emulator, at ${new URL(address).host}`, stop };
}
