import type { Socket } from 'node:net';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { OP_QUERY, readHeader } from '../wire/message-header.js';
import { MessageSplitter } from '../wire/message-splitter.js';
import { ProtocolError } from '../wire/protocol-error.js';
import { writeReply } from '../wire/reply.js';
import { readRequest } from '../wire/request.js';
import type { Request } from '../wire/request.js';
import type { Gate } from './gate.js';
import { RunningCommand } from './running-command.js';

/** What becomes of a command. */
export interface Answer {
  readonly body: Document;
  /** The connection ends instead of answering. */
  readonly hangUp?: boolean;
  /** The cluster time up to which writes are acknowledged by this answer. */
  readonly acknowledges?: number;
  /** What goes on after this answer without being asked for, if the client takes that. */
  readonly next?: Document;
}

export interface ConnectionOptions {
  readonly id: number;
  /** Commands are not looked at while it is closed. */
  readonly execution: Gate;
  /** Answers are kept back while it is closed. */
  readonly answers: Gate;
  /** Executes a command, or says why not. Never rejects. */
  readonly execute: (command: RunningCommand, connection: Connection) => Promise<Answer>;
  /** Makes the answer to what could not even be read as a command. */
  readonly refuse: (error: ServerError) => Document;
  readonly sent: (answer: Answer) => void;
  readonly closed: (connection: Connection) => void;
}

let replies = 0;

/** One client's connection: its commands are executed and answered one after the other, however many are sent ahead. */
export class Connection {
  /** What the client calls its application, from its handshake. */
  appName: string | undefined;
  readonly #splitter = new MessageSplitter();
  readonly #waiting: Buffer[] = [];
  #serving = false;
  #closed = false;
  #command: RunningCommand | undefined;

  constructor(
    private readonly socket: Socket,
    private readonly options: ConnectionOptions,
  ) {}

  get id(): number {
    return this.options.id;
  }

  /** The client's address and port. */
  get peer(): string {
    return `${this.socket.remoteAddress}:${this.socket.remotePort}`;
  }

  /** The command that is being executed. */
  get command(): RunningCommand | undefined {
    return this.#command;
  }

  open(): void {
    this.socket.on('data', (piece: Buffer) => this.#receive(piece));
    this.socket.once('close', () => this.end());
    this.socket.on('error', () => {}); // the client went away: 'close' follows
  }

  /** Nothing is executed or answered any more; what is being executed is told so. */
  end(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#waiting.length = 0;
    this.#command?.interrupt(new ServerError(CODES.InterruptedAtShutdown, 'The connection was closed.'));
    this.socket.destroy(); // closed, not reset: so the kernel ends the connections of a killed process that has read all there was
    this.options.closed(this);
  }

  #receive(piece: Buffer): void {
    if (this.#closed) return;
    try {
      for (const message of this.#splitter.push(piece)) this.#waiting.push(message);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.end();
    }
    if (!this.#serving) void this.#serveAll();
  }

  async #serveAll(): Promise<void> {
    this.#serving = true;
    for (let message = this.#waiting.shift(); message; message = this.#waiting.shift()) {
      if (this.options.execution.closed) await this.options.execution.passed();
      await this.#serve(message);
    }
    this.#serving = false;
  }

  async #serve(message: Buffer): Promise<void> {
    const request = this.#read(message);
    if (!request) return;
    for (let [body, responseTo] = [request.body, request.id]; !this.#closed;) {
      this.#command = new RunningCommand(body, this.id);
      const answer = await this.options.execute(this.#command, this);
      this.#command = undefined;
      if (this.options.answers.closed) await this.options.answers.passed();
      if (this.#closed) return;
      if (answer.hangUp) return this.end();
      if (request.unanswered) return;

      const next = request.exhaustAllowed ? answer.next : undefined;
      responseTo = this.#reply({ responseTo, kind: request.answer, body: answer.body, moreToCome: next !== undefined });
      this.options.sent(answer);
      if (!next) return;
      body = next;
    }
  }

  /** Undefined if it could not be read; that is answered, or the connection is closed. */
  #read(message: Buffer): Request | undefined {
    if (this.#closed) return undefined;
    try {
      return readRequest(message);
    } catch (error) {
      if (error instanceof ProtocolError) this.end();
      else this.#refuse(message, error);
      return undefined;
    }
  }

  #refuse(message: Buffer, error: unknown): void {
    const { requestId, opCode } = readHeader(message);
    const reason = error instanceof ServerError ? error : new ServerError(CODES.FailedToParse, `Not a BSON document: ${String(error)}`);
    this.#reply({ responseTo: requestId, kind: opCode === OP_QUERY ? 'OP_REPLY' : 'OP_MSG', body: this.options.refuse(reason) });
  }

  #reply(parts: Omit<Parameters<typeof writeReply>[0], 'requestId'>): number {
    replies = (replies + 1) & 0x7fffffff;
    this.socket.write(writeReply({ ...parts, requestId: replies }));
    return replies;
  }
}
