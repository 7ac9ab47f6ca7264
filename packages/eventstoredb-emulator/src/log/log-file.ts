import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { InvalidLogFileError } from '../emulator-errors.js';
import { LogRecord, SMALLEST_RECORD } from './record.js';

const HEADER = Buffer.from('ESDBEMU1');

/**
 * The log on disk: the same bytes as in memory behind an eight-byte header.
 *
 * Written before an append is acknowledged and never flushed: it survives a killed process, not a power cut.
 */
export class LogFile {
  readonly #path: string;
  #descriptor: number | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Opens or creates the file and cuts off an append that was not written to its end.
   *
   * @returns the records found
   * @throws {@link InvalidLogFileError} the file is not one of ours
   */
  open(): Buffer {
    const descriptor = openSync(this.#path, 'a+', 0o600);
    const content = readFileSync(descriptor);
    if (content.length > 0 && !content.subarray(0, HEADER.length).equals(HEADER.subarray(0, content.length))) {
      closeSync(descriptor);
      throw new InvalidLogFileError(this.#path);
    }

    const end = endOfLastAppend(content);
    ftruncateSync(descriptor, content.length < HEADER.length ? 0 : end);
    if (content.length < HEADER.length) writeSync(descriptor, HEADER);
    this.#descriptor = descriptor;
    return content.subarray(HEADER.length, end);
  }

  append(bytes: Buffer): void {
    if (this.#descriptor === undefined) return;
    let written = 0;
    while (written < bytes.length) written += writeSync(this.#descriptor, bytes, written);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}

function endOfLastAppend(content: Buffer): number {
  let end = HEADER.length;
  let at = HEADER.length;
  while (at + SMALLEST_RECORD <= content.length) {
    const size = content.readUInt32LE(at);
    if (size < SMALLEST_RECORD || at + size > content.length) break;
    const record = new LogRecord(content, at, at);
    at += size;
    if (record.endsAppend) end = at;
  }
  return end;
}
