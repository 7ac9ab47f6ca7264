/** Thrown by calls that need a running emulator after it was stopped for good. Start a new one. */
export class EmulatorStoppedError extends Error {
  readonly code = 'EMULATOR_STOPPED';

  constructor() {
    super('This emulator was stopped. Start a new one with MongoDBEmulator.start().');
    this.name = 'EmulatorStoppedError';
  }
}

/** Thrown when the address cannot be listened on, most often because another process has the port. */
export class AddressUnavailableError extends Error {
  readonly code = 'ADDRESS_UNAVAILABLE';

  constructor(host: string, port: number, options: ErrorOptions) {
    super(`Cannot listen on ${host}:${port}. Choose another port, or 0 for any free one.`, options);
    this.name = 'AddressUnavailableError';
  }
}
