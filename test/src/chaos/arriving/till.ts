import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface TillCall {
  /** The id of the message that it is for. */
  readonly key: string;
  /** Whether the caller knew that somebody may have called before. */
  readonly mayBeRepeat: boolean;
  readonly by: string;
}

/** What two-step handlers call: writes down each call before it answers, and is paid once for each key. */
export class Till {
  readonly calls: TillCall[] = [];
  readonly #server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('error', () => {}); // who calls may be killed at any time
    request.on('end', () => {
      this.calls.push(JSON.parse(Buffer.concat(chunks).toString()) as TillCall);
      response.end();
    });
  });

  static async start(): Promise<Till> {
    const till = new Till();
    await new Promise<void>((resolve) => till.#server.listen(0, '127.0.0.1', resolve));
    return till;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export async function payAt(port: number, call: TillCall, signal: AbortSignal): Promise<void> {
  const body = JSON.stringify(call);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body, signal });
  await answer.arrayBuffer();
}
