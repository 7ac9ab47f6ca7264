import { expect } from 'chai';
import { Cases, defineState, processManager, ProcessManagers, unchecked, UnitOfWork } from '@waybill/core';
import type { ProcessManagersOptions, StepOptions } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import type { InMemoryTx } from '@waybill/core/in-memory';
import { failureOf } from '../shop/failure-of.js';
import { Desk } from './desk.js';
import { fulfilmentOf, Placed, ReleaseStock, ReserveStock } from './fulfilment.js';

const State = defineState(unchecked<{ n: number }>());
const key = { key: ({ data }: { readonly data: { readonly orderId: string } }) => data.orderId };

type Steps = { readonly stock: StepOptions<{ n: number }, 'stock'> };

describe('what cannot work as a process', () => {
  const refused = async (act: () => unknown): Promise<string> => (await failureOf('INVALID_OPTIONS', act)).message;
  const withStep = (step: object, name = 'stock'): unknown =>
    processManager('fulfilment', { state: State, initial: () => ({ n: 0 }), steps: { [name]: step as { irreversible: true } } });

  it('is refused: a step that nobody has decided how to take back', async () => {
    expect(await refused(() => withStep({}))).to.include('irreversible: true');
    expect(await refused(() => withStep({ irreversible: true, compensation: () => [] }))).to.include('not both');
    expect(await refused(() => withStep({ irreversible: true, compensationConfirmed: true }))).to.include(
      'no compensation to be confirmed',
    );
  });

  it('does not compile: a step that nobody has decided how to take back', () => {
    const options = { state: State, initial: () => ({ n: 0 }) };

    // @ts-expect-error it says neither compensation nor irreversible
    expect(() => processManager('fulfilment', { ...options, steps: { stock: {} } })).to.throw();
    // @ts-expect-error there is no such step to begin
    const steps = { stock: { irreversible: true, onCompleted: ({ begin }) => begin('payment', []) } } satisfies Steps;
    expect(Object.keys(steps)).to.deep.equal(['stock']);
  });

  it('is refused: times, counts and names that cannot be', async () => {
    expect(await refused(() => withStep({ irreversible: true, pendingTimeoutMs: 0 }))).to.include('pendingTimeoutMs is 0');
    expect(await refused(() => withStep({ irreversible: true, pendingTimeoutMs: Number.NaN }))).to.include('pendingTimeoutMs is NaN');
    expect(await refused(() => withStep({ irreversible: true, status: async () => 'pending' }))).to.include('never be asked');
    expect(await refused(() => withStep({ irreversible: true }, ''))).to.include('needs a name');
    expect(await refused(() => withStep({ irreversible: true }, 'a\0'))).to.include('needs a name');
    expect(await refused(() => fulfilmentOf({ statusAttempts: 0 }))).to.include('statusAttempts');
    for (const name of ['', 'x'.repeat(201), undefined as unknown as string])
      expect(await refused(() => processManager(name, { state: State, initial: () => ({ n: 0 }), steps: {} }))).to.include('needs a name');
    expect(
      await refused(() =>
        processManager('fulfilment', { state: State, initial: () => ({ n: 0 }), steps: {}, timeouts: { 'step:x': async () => {} } }),
      ),
    ).to.include('kept for steps');
  });

  it('is refused: two reactions to one message', async () => {
    const process = processManager('fulfilment', { state: State, initial: () => ({ n: 0 }), steps: {} });

    expect(await refused(() => process.startsWith(Placed, key, async () => {}).on(Placed, key, async () => {}))).to.include('twice');
  });

  it('is refused where it is run: names, numbers, and a process that nothing begins', async () => {
    const database = new InMemoryDatabase();
    const unitOfWork = new UnitOfWork({ database, catalogue: [] });
    const managers = (options: Partial<ProcessManagersOptions<InMemoryTx>>) => () =>
      new ProcessManagers<InMemoryTx>({ database, unitOfWork, processes: [fulfilmentOf()], ...options });
    const neverBegun = processManager('other', { state: State, initial: () => ({ n: 0 }), steps: {} }).on(Placed, key, async () => {});

    expect(await refused(managers({ processes: [] }))).to.include('There is no process');
    expect(await refused(managers({ processes: [fulfilmentOf(), fulfilmentOf()] }))).to.include('Two processes are named');
    expect(await refused(managers({ processes: [neverBegun] }))).to.include('Nothing begins process "other"');
    for (const name of ['pollMs', 'statusTimeoutMs', 'keepMs'])
      for (const value of [0, -1, Number.NaN]) expect(await refused(managers({ [name]: value }))).to.include(name);
    expect(await refused(managers({ pollMs: Infinity }))).to.include('pollMs');
    expect(await refused(managers({ concurrency: 1.5 }))).to.include('concurrency');
    expect(await refused(() => managers({})().find({ most: 0 }))).to.include('most');
    expect(await refused(() => new Cases({ database, by: '' }))).to.include('`by`');
    expect(await refused(() => new Cases({ database, by: 'ada' }).open({ most: 1_001 }))).to.include('most');
    expect(await refused(() => new Cases({ database, by: 'ada' }).close('1', ' '))).to.include('`reason`');
  });

  const told = async (
    act: (process: Parameters<Parameters<ReturnType<typeof begun>['startsWith']>[2]>[1]) => unknown,
    orderId = '7',
  ): Promise<string> => {
    const process = begun().startsWith(Placed, key, async (_, open) => act(open));
    const desk = new Desk({ database: new InMemoryDatabase(), process });
    const failure: unknown = await desk.tell(Placed({ orderId, totalCents: 1 })).catch((error: unknown) => error);
    expect(await desk.managers.find()).to.deep.equal([]);
    return String((failure as Error).message);
  };
  const begun = () =>
    processManager('fulfilment', {
      state: State,
      initial: () => ({ n: 0 }),
      steps: { stock: { compensation: () => ReleaseStock({ orderId: '7' }) } },
      timeouts: { unpaid: async () => {} },
    });

  it('fails the message: steps and time-outs that do not exist, times that cannot be, an end that is none, a state that JSON does not keep', async () => {
    expect(await told(({ begin }) => begin('payment' as 'stock', []))).to.include('no step "payment"');
    expect(await told(({ complete }) => complete('toString' as 'stock'))).to.include('no step "toString"');
    expect(await told(({ timeoutAfter }) => timeoutAfter('late' as 'unpaid', 1))).to.include('no time-out "late"');
    expect(await told(({ timeoutAfter }) => timeoutAfter('unpaid', -1))).to.include('-1 ms');
    expect(await told(({ timeoutAfter }) => timeoutAfter('unpaid', Infinity))).to.include('Infinity ms');
    expect(
      await told(({ begin, end }) => {
        begin('stock', ReserveStock({ orderId: '7' }));
        end();
      }),
    ).to.include('"stock" is pending');
    expect(await told((process) => (process.state = { n: 1n as unknown as number }))).to.include('cannot be written as JSON');
    expect(await told(() => {}, '')).to.include('The key of Placed');
    expect(await told(() => {}, 'x'.repeat(501))).to.include('1 to 500 bytes');
  });

  it('fails whoever changes a process after its handler is through', async () => {
    let late: (() => unknown) | undefined;
    const process = begun().startsWith(Placed, key, async (_, { begin }) => {
      late = () => begin('stock', ReserveStock({ orderId: '7' }));
    });
    await new Desk({ database: new InMemoryDatabase(), process }).tell(Placed({ orderId: '7', totalCents: 1 }));

    await failureOf('SCOPE_CLOSED', () => late!());
  });
});
