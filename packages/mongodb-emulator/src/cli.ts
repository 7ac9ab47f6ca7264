import { Command, InvalidArgumentError, Option } from 'commander';
import { MongoDBEmulator } from './emulator.js';
import { DEFAULTS } from './emulator-options.js';

interface CommandLine {
  readonly port: number;
  readonly host: string;
  readonly replicaSet: string;
  readonly standAlone: boolean;
  readonly maxWireVersion: number;
  readonly transactionLifetimeMs: number;
  readonly changeStreams: 'allowed' | 'not-authorized';
  readonly untilStdinCloses: boolean;
}

const program = new Command('mongodb-emulator')
  .description(
    'An in-memory replica set of one that the MongoDB driver talks to, for development and tests. Prints its address once it is ready.',
  )
  .option('--port <port>', 'port to listen on; 0 for any free one', wholeNumber, 27_017)
  .option('--host <host>', 'address to listen on', DEFAULTS.host)
  .option('--replica-set <name>', 'name of the replica set', DEFAULTS.replicaSet)
  .option('--stand-alone', 'be no replica set: no transactions, no change streams', false)
  .option('--max-wire-version <version>', 'which server to be like: 25 is 8.0, 21 is 7.0', wholeNumber, DEFAULTS.maxWireVersion)
  .option('--transaction-lifetime-ms <ms>', 'after how long an open transaction is aborted', wholeNumber, DEFAULTS.transactionLifetimeMs)
  .addOption(
    new Option('--change-streams <right>', 'whether they may be opened')
      .choices(['allowed', 'not-authorized'])
      .default(DEFAULTS.changeStreams),
  )
  .option('--until-stdin-closes', 'end when standard input does, so that no process outlives the test that started it', false);

const { standAlone, untilStdinCloses, ...options } = program.parse().opts<CommandLine>();
try {
  const emulator = await MongoDBEmulator.start({ ...options, ...(standAlone ? { replicaSet: false } : {}) });
  const end = async (): Promise<void> => {
    await emulator.stop();
    process.stdin.destroy(); // an open input would keep the process alive
  };
  process.once('SIGTERM', () => void end());
  process.once('SIGINT', () => void end());
  if (untilStdinCloses) process.stdin.resume().once('close', () => void end());
  console.log(`${emulator.url} (an in-memory emulator for tests, not a MongoDB: nothing is kept)`);
} catch (error) {
  program.error(error instanceof Error ? error.message : String(error));
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('A whole number is expected.');
  return Number(text);
}
