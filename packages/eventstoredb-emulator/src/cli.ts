import { Command, InvalidArgumentError, Option } from 'commander';
import { EventStoreDBEmulator } from './emulator.js';
import type { StopOptions } from './emulator.js';
import { DEFAULTS } from './emulator-options.js';
import type { ServerVersion } from './emulator-options.js';

interface CommandLine {
  readonly port: number;
  readonly host: string;
  readonly file?: string;
  readonly serverVersion: ServerVersion;
  readonly commitDelayMs: number;
  readonly liveBufferSize: number;
  readonly graceMs: number;
  readonly untilStdinCloses: boolean;
}

const program = new Command('eventstoredb-emulator')
  .description('An in-memory server that the EventStoreDB client talks to, for development and tests. Prints its address once it is ready.')
  .option('--port <port>', 'port to listen on; 0 for any free one', wholeNumber, 2113)
  .option('--host <host>', 'address to listen on', DEFAULTS.host)
  .option('--file <path>', 'keep the events in this file; survives a killed process')
  .addOption(new Option('--server-version <version>', 'which server to behave like').choices(['23.10', '24.10']).default(DEFAULTS.version))
  .option('--commit-delay-ms <ms>', 'time from an append to its acknowledgement', wholeNumber, DEFAULTS.commitDelayMs)
  .option('--live-buffer-size <events>', 'events that may wait for a live subscriber', wholeNumber, DEFAULTS.liveBufferSize)
  .option('--grace-ms <ms>', 'go on for so long after SIGTERM; the real server takes 5000', wholeNumber, 0)
  .option('--until-stdin-closes', 'end when standard input does, so that no process outlives the test that started it', false);

const { serverVersion, untilStdinCloses, graceMs, ...options } = program.parse().opts<CommandLine>();
try {
  const emulator = await EventStoreDBEmulator.start({ ...options, version: serverVersion });
  const end = async (stopOptions: StopOptions): Promise<void> => {
    await emulator.stop(stopOptions);
    process.stdin.destroy(); // an open input would keep the process alive
  };
  process.once('SIGTERM', () => void end({ graceMs }));
  process.once('SIGINT', () => void end({}));
  if (untilStdinCloses) process.stdin.resume().once('close', () => void end({}));
  console.log(emulator.connectionString);
} catch (error) {
  program.error(error instanceof Error ? error.message : String(error));
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('A whole number is expected.');
  return Number(text);
}
