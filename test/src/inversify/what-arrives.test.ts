import 'reflect-metadata';
import { expect } from 'chai';
import { Consumer, InboxHandler, Projection, ProjectionHandler, Projections } from '@waybill/core';
import type { HandlerContext, HandlerMiddleware, Message, ProjectionContext } from '@waybill/core';
import { InMemoryDatabase, InMemoryEventLog, InMemoryReceiver } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { waybillModule } from '@waybill/inversify';
import { anArrivedMessage, eventually } from '@waybill/testing';
import { Container, inject, injectable } from 'inversify';
import { failureOf } from '../shop/failure-of.js';
import { orderEvents, OrderNoted } from '../shop/order.js';

@injectable()
class Notebook {
  readonly lines: string[] = [];
}

// #region classes
@injectable()
class Diary {
  constructor(@inject(Notebook) private readonly notebook: Notebook) {}

  @InboxHandler(OrderNoted, { name: 'diary' })
  async onNoted({ data }: Message<OrderNoted>, { tx }: HandlerContext<InMemoryTx>): Promise<void> {
    tx.onCommit(() => this.notebook.lines.push(data.text));
  }
}

@injectable()
@Projection({ name: 'notes' })
class Notes {
  constructor(@inject(Notebook) private readonly notebook: Notebook) {}

  @ProjectionHandler(OrderNoted)
  async onNoted({ data }: Message<OrderNoted>, { tx }: ProjectionContext<InMemoryTx>): Promise<void> {
    tx.onCommit(() => this.notebook.lines.push(`projected ${data.text}`));
  }
}
// #endregion

describe('what arrives at the container module', () => {
  const noted = (text: string, revision = 0n) => anArrivedMessage('order-7', revision, { type: 'OrderNoted', json: { text } });
  let container: Container;
  let log: InMemoryEventLog;
  let queue: InMemoryReceiver;
  let notebook: Notebook;
  let steps: string[];

  beforeEach(() => {
    [log, queue, steps] = [new InMemoryEventLog(), new InMemoryReceiver(), []];
    container = new Container();
    container.bind(Notebook).toSelf().inSingletonScope();
    notebook = container.get(Notebook);
  });
  afterEach(() => container.unbindAllAsync());

  const load = (database = new InMemoryDatabase()): void => {
    const traced: HandlerMiddleware = async ({ handler, step }, next) => {
      steps.push(`${handler} ${step}`);
      await next();
    };
    // #region module
    container.load(
      waybillModule({
        database,
        catalogue: orderEvents,
        routes: {},
        consumers: {
          followed: { receiver: log, handlers: [Diary] },
          handed: { receiver: queue, handlers: [Diary] },
        },
        projections: { log, classes: [Notes] },
        middleware: [traced],
      }),
    );
    // #endregion
  };
  const consumer = (name: string): Consumer<unknown> => container.get<Consumer<unknown>>(Consumer, { name });
  const isWritten = (line: string): Promise<true> => eventually(line, async () => (notebook.lines.includes(line) ? true : undefined));

  it('is handled by consumers, told apart by their names, with handlers that the container made', async () => {
    load();
    await consumer('followed').start();
    await consumer('handed').start();

    log.append(noted('from the log'));
    queue.send(noted('from the queue'));

    await isWritten('from the log');
    await isWritten('from the queue');
    expect(steps).to.deep.equal(['diary handle', 'diary handle']);
    expect(consumer('followed')).to.equal(consumer('followed'));
  });

  it('is projected by what the container made', async () => {
    load();
    // #region start
    const projections = container.get(Projections);
    await projections.start();
    const followed = container.get<Consumer<unknown>>(Consumer, { name: 'followed' });
    await followed.start();
    // #endregion

    log.append(noted('hello'));

    await isWritten('projected hello');
  });

  it('stops with the container', async () => {
    load();
    const [followed, projections] = [consumer('followed'), container.get(Projections)];
    const stopped = Promise.all([
      new Promise((resolve) => followed.on('released', resolve)),
      new Promise((resolve) => projections.on('released', resolve)),
    ]);
    const holding = Promise.all([
      new Promise((resolve) => followed.on('acquired', resolve)),
      new Promise((resolve) => projections.on('acquired', resolve)),
    ]);
    await followed.start();
    await projections.start();
    await holding;

    await container.unbindAllAsync();

    await stopped;
  });

  it('is refused where a class lacks its decorator, in a sentence that names it', async () => {
    container.load(
      waybillModule({
        database: new InMemoryDatabase(),
        catalogue: orderEvents,
        routes: {},
        consumers: { odd: { receiver: log, handlers: [Notebook] } },
        projections: { log, classes: [Notebook] },
      }),
    );

    expect((await failureOf('INVALID_OPTIONS', () => consumer('odd'))).message).to.include('Notebook has no method with @InboxHandler');
    expect((await failureOf('INVALID_OPTIONS', () => container.get(Projections))).message).to.include('Notebook has no name');
  });

  it('names what a handler lacks, where its class is not bound', () => {
    container.unbind(Notebook);
    load();

    expect(() => consumer('followed')).to.throw(/No bindings found for service: "Notebook"/);
  });
});
