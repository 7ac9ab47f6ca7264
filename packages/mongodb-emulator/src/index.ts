// The server
export { MongoDBEmulator } from './emulator.js';
export type { FreezeOptions, RestartOptions } from './emulator.js';
export type { EmulatorOptions } from './emulator-options.js';
export type { CountedCommands } from './server/command-counts.js';

// Breaking isolation on purpose
export { Isolation } from './store/isolation.js';
export type { Reader, VersionState } from './store/isolation.js';

// Errors
export { AddressUnavailableError, EmulatorStoppedError } from './emulator-errors.js';
