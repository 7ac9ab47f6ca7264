import { AggregateRoot, defineEvent, Dispatcher, HandlerSink, OutboxHandler, projector, unchecked, UnitOfWork } from '@waybill/core';
import type { Commit, Database, EventOf, HandlerContext, Message, Moment, Reached } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { CrashPointError } from '@waybill/testing';

const Opened = defineEvent('Opened', unchecked<{ readonly owner: string }>());
const Deposited = defineEvent('Deposited', unchecked<{ readonly cents: number }>());
const Thanked = defineEvent('Thanked', unchecked<{ readonly messageId: string }>());

class Account extends AggregateRoot<EventOf<typeof Opened> | EventOf<typeof Deposited>> {
  readonly stream: string;

  constructor(id: string) {
    super();
    this.stream = `account-${id}`;
  }

  open(owner: string): void {
    this.emit(Opened({ owner }));
  }

  deposit(cents: number): void {
    this.emit(Deposited({ cents }));
  }

  protected override apply(): void {}
}

/** Effects of handlers and projections, as they were committed. */
export type Effects = string[];

class Handlers {
  constructor(private readonly effects: Effects) {}

  @OutboxHandler(Deposited, { name: 'thank' })
  async thank({ id }: Message<EventOf<typeof Deposited>>, { tx, append }: HandlerContext<InMemoryTx>): Promise<void> {
    append('thanks', Thanked({ messageId: id }));
    tx.onCommit(() => this.effects.push(`thanked ${id}`));
  }

  @OutboxHandler(Deposited, { name: 'charge', twoStep: true })
  async charge({ id }: Message<EventOf<typeof Deposited>>): Promise<Commit<InMemoryTx>> {
    return async ({ tx }) => tx.onCommit(() => this.effects.push(`charged ${id}`));
  }
}

export interface Walk {
  readonly database: Database<InMemoryTx>;
  readonly store: InMemorySink;
  readonly effects: Effects;
  /** How often each moment was reached. */
  readonly moments: ReadonlyMap<Moment, number>;
  readonly crashes: number;
}

const requests = [
  { key: 'r-1', account: 'a', cents: 1 },
  { key: 'r-2', account: 'b', cents: 2 },
  { key: 'r-3', account: 'a', cents: 3 },
] as const;

/** One small day of a shop, from the first request to the last delivery: a client that repeats itself, and two routes. */
export async function walk(crash: Reached, database: Database<InMemoryTx> = new InMemoryDatabase({ lanes: 2 })): Promise<Walk> {
  const [store, effects] = [new InMemorySink({ needsWholeStreams: true }), [] as Effects];
  const moments = new Map<Moment, number>();
  let crashes = 0;
  const reached: Reached = async (moment) => {
    moments.set(moment, (moments.get(moment) ?? 0) + 1);
    try {
      await crash(moment);
    } catch (error) {
      crashes++;
      throw error;
    }
  };
  const catalogue = [Opened, Deposited, Thanked];
  const deposits = projector<InMemoryTx>('deposits').on(Deposited, async ({ id }, { tx }) =>
    tx.onCommit(() => effects.push(`projected ${id}`)),
  );
  const unitOfWork = new UnitOfWork({ database, catalogue, projectors: [deposits], reached });
  const handlers = new HandlerSink({ database, unitOfWork, handlers: [new Handlers(effects)], reached });
  const route = { start: 'beginning' as const, retry: { firstMs: 1, maxMs: 2 }, batch: { size: 1 } };
  const routes = { store: { ...route, sink: store }, handlers: { ...route, sink: handlers } };

  for (const { key, account: id, cents } of requests) {
    await untilAnswered(() =>
      unitOfWork.run(
        async ({ find, track }) => {
          const account = (await find(Account, id)) ?? track(new Account(id));
          if (account.revision === undefined) account.open('ada');
          account.deposit(cents);
        },
        { idempotencyKey: key },
      ),
    );
  }
  const dispatcher = new Dispatcher({ database, catalogue, routes, reached, pollMs: 10 });
  await dispatcher.start();
  while ((await dispatcher.lanes()).some(({ pending, owner }) => pending > 0 || owner === undefined))
    await new Promise((resolve) => setTimeout(resolve, 1));
  await dispatcher.stop();
  return { database, store, effects, moments, crashes };
}

async function untilAnswered(request: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await request();
      return;
    } catch (error) {
      if (!(error instanceof CrashPointError)) throw error;
    }
  }
}
