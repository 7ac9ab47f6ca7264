/** What came in is no message of the protocol: nothing behind it can be read, so the connection ends, as a real server ends it. */
export class ProtocolError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProtocolError';
  }
}
