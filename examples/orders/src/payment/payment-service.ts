import { once } from 'node:events';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { behaviourOf } from './cards.js';
import type { CardBehaviour } from './cards.js';
import type { Ledger, LedgerLine } from './ledger.js';

/** `silent`: whatever is asked of it, it does, and never answers. `declining`: no card is good enough. */
export type Mood = 'well' | 'silent' | 'declining';

interface Asked {
  readonly orderId: string;
  readonly cents: number;
  readonly card?: string;
}

const SLOW_MS = 300;
const DECLINING: CardBehaviour = { charge: { state: 'declined', reason: 'no card is good enough today' }, answers: 'at once' };

/**
 * A payment service that does what it is asked to, every time: who sends a charge twice pays twice.
 *
 * `POST /charges`, `POST /refunds`: move money; the header `idempotency-key` is what they are asked for by later. `GET /charges/<key>`,
 * `GET /refunds/<key>`, `GET /orders/<order>`: 200 with the state, or 404. `POST /orders/<order>/cancel`: declines what is still pending.
 * `POST /mood/<mood>`: how it is from now on.
 */
export class PaymentService {
  mood: Mood = 'well';
  readonly #ledger: Ledger;
  readonly #server: Server;
  readonly #askedBefore = new Set<string>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    this.#server = createServer((request, response) => {
      this.#handle(request, response).catch((error: unknown) => void response.writeHead(500).end(String(error)));
    });
    for (const line of ledger.pending) this.#decideLater(line);
  }

  /** @returns the port */
  async listen(port: number): Promise<number> {
    await once(this.#server.listen(port, '127.0.0.1'), 'listening');
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, 'close');
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, what = '', key = '', act] = (request.url ?? '').split('/').map(decodeURIComponent);
    if (request.method === 'GET') return this.#tell(what, key, response);
    if (what === 'charges' || what === 'refunds') return this.#move(what, request, response);
    if (act === 'cancel') this.#cancel(key);
    if (what === 'mood') this.mood = key as Mood;
    response.writeHead(204).end();
  }

  #tell(what: string, key: string, response: ServerResponse): void {
    const line = what === 'orders' ? this.#ledger.ofOrder(key) : this.#ledger.ofKey(what, key);
    if (this.mood === 'silent') return;
    if (line) answer(response, 200, line);
    else response.writeHead(404).end();
  }

  async #move(what: 'charges' | 'refunds', request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = String(request.headers['idempotency-key']);
    const { orderId, cents, card = '' } = (await json(request)) as Asked;
    const { charge, answers, decided } = this.#behaviour(what, card);
    const isFirst = !this.#askedBefore.has(key);
    this.#askedBefore.add(key);
    const doesNothing = charge === 'nothing, the first time' && isFirst;
    const state =
      what === 'refunds' ? { state: 'refunded' as const } : charge === 'nothing, the first time' ? { state: 'taken' as const } : charge;
    const line: LedgerLine = {
      ...{ what, key, orderId, cents, ...state },
      ...(decided && { decided: { at: Date.now() + decided.afterMs, as: decided.as } }),
    };
    if (!doesNothing) this.#ledger.write(line);
    if (line.state === 'pending') this.#decideLater(line);

    if (this.mood === 'silent' || (isFirst && answers === 'never')) return;
    if (isFirst && answers === 500) return void response.writeHead(500).end('something went wrong');
    if (answers === 'slowly') setTimeout(() => answer(response, 201, line), SLOW_MS);
    else answer(response, line.state === 'pending' ? 202 : 201, line);
  }

  #behaviour(what: 'charges' | 'refunds', card: string): CardBehaviour {
    if (what === 'refunds') return behaviourOf('good');
    return this.mood === 'declining' && card !== 'undecided' ? DECLINING : behaviourOf(card);
  }

  #decideLater(line: LedgerLine): void {
    const { decided } = line;
    if (decided) setTimeout(() => this.#decide(line, decided.as), Math.max(0, decided.at - Date.now())).unref();
  }

  #cancel(orderId: string): void {
    const line = this.#ledger.ofOrder(orderId);
    if (line) this.#decide(line, { state: 'declined', reason: 'cancelled by the shop' });
  }

  #decide(line: LedgerLine, as: Pick<LedgerLine, 'state' | 'reason'>): void {
    if (this.#ledger.ofKey(line.what, line.key) === line && line.state === 'pending') this.#ledger.write({ ...line, ...as });
  }
}

function answer(response: ServerResponse, status: number, { state, reason }: LedgerLine): void {
  if (!response.destroyed) response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ state, reason }));
}
