import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { eventually } from '@waybill/testing';

/** A client that writes what it likes, and keeps what it is answered. */
export class RawClient {
  readonly #socket: Socket;
  #answer = '';
  ended = false;
  readonly #closed: Promise<void>;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setEncoding('utf8').on('data', (text) => (this.#answer += String(text)));
    this.#socket.on('error', () => {}); // a reset is an end like another
    this.#closed = new Promise((resolve) =>
      this.#socket.on('close', () => {
        this.ended = true;
        resolve();
      }),
    );
  }

  /** A POST with these headers, and whatever is written then is its body. */
  post(headers: Readonly<Record<string, string | number>>): this {
    const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    return this.write(`POST /hooks HTTP/1.1\r\n${lines.join('')}\r\n`);
  }

  write(text: string): this {
    this.#socket.write(text);
    return this;
  }

  /** As many a client does: it looks for an answer when all is written, and not before. */
  async writeBeforeReading(text: string): Promise<void> {
    this.#socket.pause();
    await new Promise<void>((resolve) => this.#socket.write(text, () => resolve()));
    this.#socket.resume();
  }

  /** Writes chunk after chunk for as long as the other side lets it. */
  async writeWithoutEnd(chunk: string): Promise<number> {
    const framed = `${chunk.length.toString(16)}\r\n${chunk}\r\n`;
    let written = 0;
    while (!this.ended && this.#socket.writable) {
      if (!this.#socket.write(framed)) await Promise.race([this.#drained(), this.#closed]);
      written += chunk.length;
    }
    return written;
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => this.#socket.once('drain', resolve));
  }

  hangUp(): void {
    this.#socket.destroy();
  }

  /** All that came back, once it contains a whole document. */
  answered(): Promise<string> {
    return eventually('the answer', async () => (this.#answer.endsWith('}') ? this.#answer : undefined));
  }

  /** All that came back until the other side closed the connection. */
  async whenEnded(): Promise<string> {
    await this.#closed;
    return this.#answer;
  }
}
