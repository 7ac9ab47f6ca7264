import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { EventStoreDB } from '@waybill/eventstoredb';
import { eventually, messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { deliverTo, idsOf } from './emulated.js';
import { Followed } from './followed.js';

const CLI = fileURLToPath(new URL('cli.js', import.meta.resolve('@waybill/eventstoredb-emulator')));

describe('EventStoreDB: a frozen server', () => {
  let server: ChildProcess;
  let eventstore: EventStoreDB;
  before(async () => {
    server = spawn(process.execPath, [CLI, '--port', '0', '--until-stdin-closes'], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = (await once(createInterface({ input: server.stdout! }), 'line')) as [string];
    eventstore = new EventStoreDB(/esdb:\/\/\S+/.exec(line)![0], { appendTimeoutMs: 300, readTimeoutMs: 300 });
  });
  after(async () => {
    await eventstore.close();
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  });

  it('is given up after our own limits, which come before those of the connection, and used again when it thaws', async () => {
    const messages = messagesOf('order-1', 6);
    expect(await deliverTo(eventstore, messages.slice(0, 2))).to.include({ accepted: 2 });
    server.kill('SIGSTOP');
    const startedAt = performance.now();

    const { accepted, failure } = await deliverTo(eventstore, messages.slice(2));

    expect(accepted).to.equal(0);
    expect(failure).to.have.property('code', 'SINK_UNAVAILABLE');
    expect(performance.now() - startedAt).to.be.below(5_000);
    server.kill('SIGCONT');
    await eventually('the delivery', async () => ((await deliverTo(eventstore, messages)).accepted === 6 ? true : undefined));
    const stored: string[] = [];
    for await (const { id } of eventstore.history.read('order-1', { from: 0n })) stored.push(id);
    expect(stored).to.deep.equal(idsOf(messages));
  });

  it('ends a subscription after our own limits, which goes on from its place when the server thaws', async () => {
    await eventually('the delivery', async () =>
      (await deliverTo(eventstore, messagesOf('invoice-1', 2))).accepted === 2 ? true : undefined,
    );
    const log = eventstore.subscribe({ category: 'invoice' }, { silenceMs: 200 });
    const followed = await new Followed(log).untilCaughtUp();
    server.kill('SIGSTOP');
    const startedAt = performance.now();

    const failure = await followed.failure();
    const again = await new Followed(log, { after: followed.position }).failure();

    expect([failure, again].map((error) => (error as { code?: string }).code)).to.deep.equal([
      'EVENTSTOREDB_UNAVAILABLE',
      'EVENTSTOREDB_UNAVAILABLE',
    ]);
    expect(performance.now() - startedAt).to.be.below(5_000);
    server.kill('SIGCONT');
    await eventually('the delivery', async () =>
      (await deliverTo(eventstore, messagesOf('invoice-1', 1, 2n))).accepted === 1 ? true : undefined,
    );
    const thawed = new Followed(log, { after: followed.position });
    expect((await thawed.untilCaughtUp()).messages).to.deep.equal(['invoice-1@2']);
    thawed.stop();
  });
});
