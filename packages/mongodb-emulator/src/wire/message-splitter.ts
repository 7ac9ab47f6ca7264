import { HEADER_BYTES, MAX_MESSAGE_BYTES } from './message-header.js';
import { ProtocolError } from './protocol-error.js';

/** Cuts a connection's bytes into messages. A message that came in one piece is not copied. */
export class MessageSplitter {
  #pieces: Buffer[] = [];
  #bytes = 0;

  /**
   * Takes what came in and gives the messages that are complete now.
   *
   * @throws {@link ProtocolError} a length that no message can have
   */
  *push(piece: Buffer): Generator<Buffer> {
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    while (this.#bytes >= 4) {
      const length = this.#lengthOfNext();
      if (length > this.#bytes) return;
      const whole = this.#joined();
      this.#bytes -= length;
      this.#pieces = this.#bytes > 0 ? [whole.subarray(length)] : [];
      yield whole.subarray(0, length);
    }
  }

  #lengthOfNext(): number {
    if (this.#pieces[0]!.length < 4) this.#joined();
    const length = this.#pieces[0]!.readInt32LE(0);
    if (length < HEADER_BYTES || length > MAX_MESSAGE_BYTES) {
      throw new ProtocolError(`A message of ${length} bytes: ${HEADER_BYTES} to ${MAX_MESSAGE_BYTES} are allowed.`);
    }
    return length;
  }

  #joined(): Buffer {
    if (this.#pieces.length > 1) this.#pieces = [Buffer.concat(this.#pieces, this.#bytes)];
    return this.#pieces[0]!;
  }
}
