import { jsonEvent } from '@eventstore/db-client';
import type { EventData } from '@eventstore/db-client';
import { SKIPPED_TYPE } from '@waybill/core';
import type { MessageRejectedError, OutboxMessage } from '@waybill/core';
import { anOutboxMessage, messagesOf } from '@waybill/testing';
import { expect } from 'chai';
import { emulated, idsOf } from './emulated.js';
import type { Emulated } from './emulated.js';

describe('EventStoreDB sink: streams that are not as the outbox left them', () => {
  let server: Emulated;
  beforeEach(async () => (server = await emulated()));
  afterEach(() => server.close());

  const foreignEvent = (): EventData => jsonEvent({ type: 'Intruded', data: {} });
  async function refused(batch: readonly OutboxMessage[], accepted: number): Promise<MessageRejectedError> {
    const delivery = await server.deliver(batch);
    expect(delivery.accepted).to.equal(accepted);
    const { id, stream, revision } = batch[accepted]!;
    expect(delivery.failure).to.include({ code: 'MESSAGE_REJECTED', messageId: id, stream, revision, final: true });
    return delivery.failure as MessageRejectedError;
  }

  it('names the foreign event and its own where another program was first', async () => {
    const messages = messagesOf('order-1', 5);
    const foreign = foreignEvent();
    await server.deliver(messages.slice(0, 2));
    await server.stranger().appendToStream('order-1', foreign);

    const { message } = await refused(messages, 2);

    expect(message).to.contain(foreign.id).and.contain(messages[2]!.id).and.contain('"Intruded"').and.contain('revision 2');
    expect(server.storedIds('order-1')).to.deep.equal([...idsOf(messages.slice(0, 2)), foreign.id]);
  });

  it('lets other streams pass the one that is refused, and says which did', async () => {
    const [bad, good] = [messagesOf('order-1', 2), messagesOf('order-2', 2)];
    await server.stranger().appendToStream('order-1', foreignEvent());

    const { accepted, acceptedBeyond } = await server.deliver([good[0]!, bad[0]!, bad[1]!, good[1]!]);

    expect({ accepted, acceptedBeyond }).to.deep.equal({ accepted: 1, acceptedBeyond: [3] });
  });

  it('lets the place be taken by a foreign event once an operator has skipped the message', async () => {
    const messages = messagesOf('order-1', 3);
    const foreign = foreignEvent();
    await server.stranger().appendToStream('order-1', foreign);
    await refused(messages, 0);

    const placeholder = anOutboxMessage('order-1', 0n, { id: messages[0]!.id, type: SKIPPED_TYPE });

    expect(await server.deliver([placeholder])).to.include({ accepted: 1 });
    expect(await server.deliver(messages.slice(1))).to.include({ accepted: 2 });
    expect(server.storedIds('order-1')).to.deep.equal([foreign.id, ...idsOf(messages.slice(1))]);
  });

  it('stores the placeholder of a skipped message at its revision', async () => {
    const placeholder = anOutboxMessage('order-1', 0n, { type: SKIPPED_TYPE });

    expect(await server.deliver([placeholder, anOutboxMessage('order-1', 1n)])).to.include({ accepted: 2 });

    expect(server.emulator.read('order-1').map(({ type }) => type)[0]).to.equal(SKIPPED_TYPE);
  });

  it('reports a new stream that was stored behind a deleted one of its name', async () => {
    const stranger = server.stranger();
    await stranger.appendToStream('order-1', [foreignEvent(), foreignEvent(), foreignEvent()]);
    await stranger.deleteStream('order-1');

    const { message } = await refused(messagesOf('order-1', 2), 0);

    expect(message).to.contain('revision 3').and.contain('not at 0').and.contain('deleted');
  });

  it('reports messages that were delivered and deleted since', async () => {
    const messages = messagesOf('order-1', 3);
    await server.deliver(messages);
    await server.stranger().deleteStream('order-1');

    const { message } = await refused(messages, 0);

    expect(message).to.contain('was deleted').and.contain('$tb');
    expect(await server.deliver([anOutboxMessage('order-1', 0n, { id: messages[0]!.id, type: SKIPPED_TYPE })])).to.include({ accepted: 1 });
  });

  it('reports a foreign event that was deleted together with its stream', async () => {
    const messages = messagesOf('order-1', 2);
    await server.deliver(messages.slice(0, 1));
    await server.stranger().appendToStream('order-1', foreignEvent());
    await server.stranger().deleteStream('order-1');

    const { message } = await refused(messages.slice(1), 0);

    expect(message).to.contain('was deleted').and.contain('go on at revision 2');
  });

  it('reports a foreign event that a truncation hides', async () => {
    const messages = messagesOf('order-1', 2);
    await server.deliver(messages.slice(0, 1));
    await server.stranger().appendToStream('order-1', [foreignEvent(), foreignEvent()]);
    await server.stranger().setStreamMetadata('order-1', { truncateBefore: 2 });

    const { message } = await refused(messages.slice(1), 0);

    expect(message).to.contain('hides');
  });

  it('goes on in a stream that was deleted and is at the right revision', async () => {
    const messages = messagesOf('order-1', 5);
    await server.deliver(messages.slice(0, 3));
    await server.stranger().deleteStream('order-1');

    expect(await server.deliver(messages.slice(3))).to.include({ accepted: 2 });
    expect(server.storedIds('order-1')).to.deep.equal(idsOf(messages));
  });

  it('reports a tombstone', async () => {
    const messages = messagesOf('order-1', 2);
    await server.deliver(messages.slice(0, 1));
    await server.stranger().tombstoneStream('order-1');

    const { message } = await refused(messages.slice(1), 0);

    expect(message).to.contain('tombstoned');
  });

  it('reports events that are missing before the message', async () => {
    await server.deliver(messagesOf('order-1', 2));

    const { message } = await refused(messagesOf('order-1', 2, 6n), 0);

    expect(message).to.contain('ends at revision 1').and.contain('restored from a backup');
  });
});
