import { randomUUID } from 'node:crypto';
import { Catalogue, HandlerSink, outboxMessage, ProcessManagers, UnitOfWork } from '@waybill/core';
import type { Clock, Database, DomainEvent, ProcessLine, ProcessManager, ProcessManagersOptions, Reached } from '@waybill/core';
import { aDeliveryContext, aMessage } from '@waybill/testing';
import { fulfilmentCommands, fulfilmentEvents } from './fulfilment.js';

const catalogue = new Catalogue([...fulfilmentEvents, ...fulfilmentCommands]);

export interface DeskOptions<Tx> extends Partial<Pick<ProcessManagersOptions<Tx>, 'pollMs' | 'statusTimeoutMs' | 'keepMs' | 'random'>> {
  readonly database: Database<Tx>;
  readonly process: ProcessManager<Tx>;
  readonly clock?: Clock;
  readonly reached?: Reached;
}

/** One process of the operating system that processes live in: messages are handed to it one by one, each behind the inbox. */
export class Desk<Tx> {
  readonly managers: ProcessManagers<Tx>;
  readonly #sink: HandlerSink<Tx>;
  readonly #database: Database<Tx>;
  readonly #name: string;

  constructor({ database, process, reached, ...options }: DeskOptions<Tx>) {
    const unitOfWork = new UnitOfWork<Tx>({
      ...{ database, catalogue: catalogue.definitions },
      ...(reached && { reached }),
      ...(options.clock && { clock: options.clock }),
    });
    this.#database = database;
    this.#name = process.name;
    this.managers = new ProcessManagers<Tx>({ random: () => 0.5, ...options, database, unitOfWork, processes: [process] });
    this.#sink = new HandlerSink<Tx>({ database, unitOfWork, handlers: [this.managers], ...(reached && { reached }) });
  }

  /** Delivers a message, the same one again under the same id. What its handler throws is thrown. */
  async tell(event: DomainEvent, id: string = randomUUID()): Promise<void> {
    const { codec, payload, schemaVersion } = catalogue.encode(event);
    const { orderId } = event.data as { readonly orderId: string };
    const row = { ...aMessage(event.type, { id, codec, payload, schemaVersion }), stream: `told-${orderId}`, revision: 0n, position: 1n };
    const message = outboxMessage({ ...row, recordedAt: new Date(), checkpoint: {} as never }, catalogue);
    const { failure } = await this.#sink.deliver([message], aDeliveryContext());
    if (failure) throw failure;
  }

  async tellAll(...events: readonly DomainEvent[]): Promise<void> {
    for (const event of events) await this.tell(event);
  }

  /** The commands that the process has sent, in order. */
  async sent(key: string): Promise<readonly string[]> {
    return (await this.sentMessages(key)).map(({ type }) => type);
  }

  async sentMessages(key: string): Promise<readonly { readonly type: string; readonly data: unknown; readonly correlationId: string }[]> {
    const stream = `command-${this.#name}-${key}`;
    const { tail } = await this.#database.transactions.run((tx) => this.#database.outbox.headAndTail(stream, 0n, tx));
    return tail.map(({ type, payload, metadata: { correlationId } }) => ({ type, data: JSON.parse(payload) as unknown, correlationId }));
  }

  /** The process as it is stored. */
  async process(key: string): Promise<ProcessLine | undefined> {
    return (await this.managers.find({ process: this.#name, key }))[0];
  }

  /** Its status, and the states of its steps: `compensated: stock compensated, payment failed`. */
  async look(key: string): Promise<string> {
    const found = await this.process(key);
    return found ? `${found.status}: ${found.steps.map(({ step, state }) => `${step} ${state}`).join(', ')}` : 'never begun';
  }
}
