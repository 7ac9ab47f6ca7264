import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  readonly from: string | undefined;
  readonly to: readonly string[];
  /** As it came: headers, an empty line, text. */
  readonly raw: string;
}

/** A mail server on loopback that keeps what it gets, or refuses it with a code of SMTP. */
export class MailServer {
  readonly mails: ReceivedMail[] = [];
  refuseWith: number | undefined;
  hangs = false;
  port = 0;
  readonly #server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    logger: false,
    closeTimeout: 1,
    onData: (stream, session, done) => {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        if (this.hangs) return;
        if (this.refuseWith) return done(Object.assign(new Error('not today'), { responseCode: this.refuseWith }));
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom ? mailFrom.address : undefined;
        this.mails.push({ from, to: rcptTo.map(({ address }) => address), raw: Buffer.concat(chunks).toString() });
        done();
      });
    },
  });

  async start(): Promise<void> {
    this.#server.on('error', () => {}); // connections that a test cuts
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve));
    this.port = (this.#server.server.address() as AddressInfo).port;
  }

  get url(): string {
    return `smtp://127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
  }
}
