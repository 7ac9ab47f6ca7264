import type { OutboxMessage, Received, Receiver } from '@waybill/core';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { messagesOf } from '../builders/an-outbox-message.js';
import { eventually, isWaiting } from '../builders/waiting.js';

/** What {@link receiverContract} needs: a receiver, and a look at what its source keeps. */
export interface ReceiverFixture {
  readonly receiver: Receiver;
  /** The same as another process would open it: the two compete. */
  readonly another: Receiver;
  /** A stream that nobody has written to, and whose messages the receiver gets. */
  aStream(): string;
  /** Sends these messages by way of the source. */
  send(messages: readonly OutboxMessage[]): Promise<void>;
  /** What was set aside, and why. */
  parked(): Promise<readonly { readonly id: string; readonly reason: string }[]>;
  /** Hands out what was set aside once more. */
  replayParked(): Promise<void>;
  /** Makes the source unreachable, and cuts off who receives from it. */
  break(): Promise<void>;
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** The suite of `Receiver`: deliveries at least once, and the three answers to them. */
export function receiverContract(name: string, open: () => Promise<ReceiverFixture>): void {
  describe(`Receiver ${name}`, () => {
    let fixture: ReceiverFixture;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());
    let stop = new AbortController();
    afterEach(() => {
      stop.abort();
      stop = new AbortController();
    });

    const receive = (receiver = fixture.receiver, signal = stop.signal): AsyncIterator<Received> =>
      receiver.receive({ signal })[Symbol.asyncIterator]();
    const idOf = ({ arrival }: Received): string => (arrival.kind === 'message' ? arrival.message.id : arrival.unreadable.id);
    async function next(deliveries: AsyncIterator<Received>): Promise<Received> {
      const delivery = await deliveries.next();
      if (delivery.done === true) throw new Error('It ended by itself.');
      return delivery.value;
    }
    /** The next delivery of this message; others of it are acknowledged. */
    async function nextOf(id: string, deliveries: AsyncIterator<Received>): Promise<Received> {
      for (;;) {
        const received = await next(deliveries);
        if (idOf(received) === id) return received;
        await received.ack();
      }
    }
    async function ackAll(ids: readonly string[], deliveries: AsyncIterator<Received>): Promise<readonly string[]> {
      const left = new Set(ids);
      const seen: string[] = [];
      while (left.size > 0) {
        const received = await next(deliveries);
        seen.push(idOf(received));
        await received.ack();
        left.delete(idOf(received));
      }
      return seen;
    }
    async function send(count: number): Promise<readonly OutboxMessage[]> {
      const messages = messagesOf(fixture.aStream(), count);
      await fixture.send(messages);
      return messages;
    }
    const ids = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ id }) => id);

    it('hands out every message', async () => {
      const messages = await send(30);

      expect(await ackAll(ids(messages), receive())).to.include.members(ids(messages));
    });

    it('hands out what is sent later', async () => {
      const deliveries = receive();
      const [first] = await send(1);
      await ackAll([first!.id], deliveries);

      const [second] = await send(1);

      expect(await ackAll([second!.id], deliveries)).to.include(second!.id);
    });

    it('hands out a message as it was sent, for the first time', async () => {
      const [message] = await send(1);

      const received = await nextOf(message!.id, receive());

      expect(received.redeliveries).to.equal(0);
      expect(received.arrival.kind === 'message' && received.arrival.message).to.deep.include({
        ...{ id: message!.id, type: message!.type, stream: message!.stream, revision: 0n, json: { n: 0 } },
      });
      await received.ack();
    });

    it('hands out what was not acknowledged once more, to another consumer too', async () => {
      const [message] = await send(1);
      const cut = new AbortController();
      await nextOf(message!.id, receive(fixture.receiver, cut.signal));

      cut.abort();

      const again = await nextOf(message!.id, receive(fixture.another));
      await again.ack();
    });

    it('does not hand out what was acknowledged', async () => {
      const [first, second] = await send(2);
      const cut = new AbortController();
      await ackAll([first!.id, second!.id], receive(fixture.receiver, cut.signal));
      await eventually('the end of the connection', async () => cut.abort() ?? true);
      const [third] = await send(1);

      const seen = await ackAll([third!.id], receive(fixture.another));

      expect(seen).not.to.include.members([first!.id, second!.id]);
    });

    it('hands out again what it is asked to retry, and counts', async () => {
      const [message] = await send(1);
      const deliveries = receive();

      await (await nextOf(message!.id, deliveries)).retry('the handler failed');
      const again = await nextOf(message!.id, deliveries);
      await again.ack();

      expect(again.redeliveries).to.equal(1);
    });

    it('sets aside what it is asked to park, with the reason, until it is replayed', async () => {
      const [message, behind] = await send(2);
      const deliveries = receive();
      await (await nextOf(message!.id, deliveries)).park('no handler wants it');

      const seen = await ackAll([behind!.id], deliveries);
      const parked = await eventually('the parking', async () => (await fixture.parked()).find(({ id }) => id === message!.id));
      await fixture.replayParked();

      expect(seen).not.to.include(message!.id);
      expect(parked.reason).to.contain('no handler wants it');
      await (await nextOf(message!.id, deliveries)).ack();
    });

    it('shares messages out among competing consumers', async () => {
      const messages = await send(40);
      const seen: string[] = [];
      const consume = async (receiver: Receiver): Promise<void> => {
        for await (const received of receiver.receive({ signal: stop.signal })) {
          await received.ack();
          seen.push(idOf(received));
        }
      };

      const consumers = [consume(fixture.receiver), consume(fixture.another)];
      await eventually('that all are handed out', async () => (ids(messages).every((id) => seen.includes(id)) ? true : undefined));
      stop.abort();
      await Promise.all(consumers);

      expect(seen.filter((id) => ids(messages).includes(id))).to.have.length(40);
    });

    it('hands out several before the first is answered', async () => {
      const messages = await send(3);
      const deliveries = receive();

      const received = [await next(deliveries), await next(deliveries), await next(deliveries)];
      for (const one of received) await one.ack();

      expect(received.map(idOf)).to.have.members(ids(messages));
    });

    it('ends when its signal aborts, also while it waits', async () => {
      const waiting = receive().next();

      stop.abort();

      expect(await isWaiting(waiting)).to.equal(false);
      expect(await waiting).to.include({ done: true });
    });

    it('throws when it is cut off, and hands out when it is called again', async () => {
      const [message] = await send(1);
      const deliveries = receive();
      await nextOf(message!.id, deliveries);

      await fixture.break();
      const failure = await next(deliveries).catch((error: Error) => error.message);
      await fixture.heal();

      expect(failure).not.to.contain('by itself');
      await (await nextOf(message!.id, receive())).ack();
    });
  });
}
