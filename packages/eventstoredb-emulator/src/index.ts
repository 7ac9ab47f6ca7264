// The server
export { EventStoreDBEmulator } from './emulator.js';
export type { KillOptions, StopOptions } from './emulator.js';
export type { EmulatorOptions, ServerVersion } from './emulator-options.js';
export type { StoredEvent } from './stored-event.js';

// Failing on purpose
export type { Faults, FaultScope } from './faults/faults.js';

// Errors
export { AddressUnavailableError, EmulatorStoppedError, InvalidLogFileError } from './emulator-errors.js';
