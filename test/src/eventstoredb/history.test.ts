import type { RecordedMessage } from '@waybill/core';
import { messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { emulated } from './emulated.js';
import type { Emulated } from './emulated.js';

describe('EventStoreDB history: what can go wrong', () => {
  let server: Emulated;
  beforeEach(async () => (server = await emulated({ eventstore: { readTimeoutMs: 200, appendTimeoutMs: 1_000 } })));
  afterEach(() => server.close());

  async function read(
    stream: string,
    options: { from?: bigint; leader?: boolean; signal?: AbortSignal } = {},
  ): Promise<readonly RecordedMessage[]> {
    const messages: RecordedMessage[] = [];
    for await (const message of server.eventstore.history.read(stream, { from: 0n, ...options })) messages.push(message);
    return messages;
  }
  const failureOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    );

  it('reads nothing of a deleted stream, and says of a tombstoned one that it is', async () => {
    await server.deliver([...messagesOf('soft', 2), ...messagesOf('hard', 2)]);
    await server.stranger().deleteStream('soft');
    await server.stranger().tombstoneStream('hard');

    expect(await read('soft')).to.deep.equal([]);
    expect(await failureOf(read('hard'))).to.include({ code: 'STREAM_TOMBSTONED', stream: 'hard' });
  });

  it('reads a truncated stream from where it begins', async () => {
    await server.deliver(messagesOf('order-1', 6));
    await server.stranger().setStreamMetadata('order-1', { maxCount: 2 });

    expect((await read('order-1')).map(({ revision }) => revision)).to.deep.equal([4n, 5n]);
  });

  it('waits for a mute server no longer than its limit, and reads again when it is back', async () => {
    await server.deliver(messagesOf('order-1', 3));
    server.emulator.faults.mute();
    const startedAt = performance.now();

    const error = await failureOf(read('order-1'));

    expect(error).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    expect((error as Error).message)
      .to.contain('200 ms')
      .and.contain('order-1');
    expect(performance.now() - startedAt).to.be.below(5_000);
    server.emulator.faults.heal();
    expect(await read('order-1')).to.have.length(3);
  });

  it('has no limit for what the reader does with an event', async () => {
    await server.deliver(messagesOf('order-1', 3));
    const revisions: bigint[] = [];

    for await (const { revision } of server.eventstore.history.read('order-1', { from: 0n })) {
      revisions.push(revision);
      if (revision === 0n) await new Promise((resolve) => setTimeout(resolve, 400));
    }

    expect(revisions).to.deep.equal([0n, 1n, 2n]);
  });

  it('is unavailable while the server is, and back with it', async () => {
    await server.deliver(messagesOf('order-1', 3));
    await server.emulator.kill();

    expect(await failureOf(read('order-1'))).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
    await server.emulator.restart();

    expect(await read('order-1', { leader: true })).to.have.length(3);
  });

  it('ends a read with the reason of the signal, and reads again after', async () => {
    await server.deliver(messagesOf('order-1', 3));
    server.emulator.faults.mute();
    const reason = new Error('the work ended');

    expect(await failureOf(read('order-1', { signal: AbortSignal.abort(reason) }))).to.equal(reason);
    const abort = new AbortController();
    setTimeout(() => abort.abort(reason), 30);
    expect(await failureOf(read('order-1', { signal: abort.signal }))).to.equal(reason);

    server.emulator.faults.heal();
    expect(await read('order-1')).to.have.length(3);
  });

  it('ends a read when it is closed', async () => {
    await server.deliver(messagesOf('order-1', 3));
    server.emulator.faults.mute();

    const reading = failureOf(read('order-1'));
    setTimeout(() => void server.eventstore.close(), 30);

    expect(await reading).to.have.property('code', 'EVENTSTOREDB_UNAVAILABLE');
  });
});
