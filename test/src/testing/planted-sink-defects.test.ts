import { expect } from 'chai';
import { MessageRejectedError } from '@waybill/core';
import type { Delivery, DeliveryContext, OutboxMessage } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';
import { sinkContract } from '@waybill/testing';
import type { SinkFixture } from '@waybill/testing';
import { runKit } from './run-kit.js';

type Deliver = (batch: readonly OutboxMessage[], context: DeliveryContext) => Promise<Delivery>;

interface Defect {
  readonly defect: string;
  readonly plant: (sink: InMemorySink) => Deliver;
  readonly noticedBy: string;
}

const capabilities = { wholeStreams: true, refuses: true, history: true };

function fixtureOf(plant: Defect['plant']): SinkFixture {
  const sink = new InMemorySink({ needsWholeStreams: true });
  return {
    sink: { needsWholeStreams: true, deliver: plant(sink) },
    history: sink.history,
    stored: async (stream) => {
      const messages: { id: string; revision: bigint }[] = [];
      for await (const { id, revision } of sink.history.read(stream, { from: 0n })) messages.push({ id, revision });
      return messages;
    },
    break: async () => sink.break(),
    refuse: async ({ id }) => sink.refuse((message) => message.id === id),
    heal: async () => sink.heal(),
    close: async () => {},
  };
}

/** A target that takes whatever comes, in a store of its own that keeps nothing to itself. */
const anew = (message: OutboxMessage): OutboxMessage => Object.create(message, { id: { value: crypto.randomUUID() } }) as OutboxMessage;

const defects: readonly Defect[] = [
  {
    defect: 'accepts what it drops',
    plant: (sink) => async (batch) => (await sink.deliver(batch.slice(0, 1)), { accepted: batch.length }),
    noticedBy: 'accepts a batch, and its target keeps it in order',
  },
  {
    defect: 'accepts what its target has lost',
    plant: (sink) => async (batch) => (await sink.deliver(batch), { accepted: batch.length }),
    noticedBy: 'takes everything, in order, once it is back',
  },
  {
    defect: 'answers messages that it was not given',
    plant: (sink) => async (batch) => ({
      ...(await sink.deliver(batch)),
      replies: [{ to: batch.length, orderingKey: 'k', message: { type: 'Answered', data: {} } }],
    }),
    noticedBy: 'accepts a batch, and its target keeps it in order',
  },
  {
    defect: 'gives no reason',
    plant: (sink) => async (batch) => ({ accepted: (await sink.deliver(batch)).accepted }),
    noticedBy: 'is the trouble of the sink and of no message',
  },
  {
    defect: 'blames the message when its target is away',
    plant: (sink) => async (batch) => {
      const { accepted, failure } = await sink.deliver(batch);
      if (!failure) return { accepted };
      const { id, stream, revision } = batch[accepted]!;
      return { accepted, failure: new MessageRejectedError(id, stream, revision, 'no answer') };
    },
    noticedBy: 'is the trouble of the sink and of no message',
  },
  {
    defect: 'blames itself when a message is bad',
    plant: (sink) => async (batch) => {
      const { accepted, failure } = await sink.deliver(batch);
      if (failure) throw failure;
      return { accepted };
    },
    noticedBy: 'stops its stream there, and is named',
  },
  {
    defect: 'goes on behind a bad message',
    plant: (sink) => async (batch) => {
      const delivery = await sink.deliver(batch);
      if (delivery.failure?.code !== 'MESSAGE_REJECTED') return delivery;
      const beyond = batch.map((_, index) => index).slice(delivery.accepted + 1);
      return { ...delivery, acceptedBeyond: beyond };
    },
    noticedBy: 'stops its stream there, and is named',
  },
  {
    defect: 'names the wrong message',
    plant: (sink) => async (batch) => {
      const { accepted, failure } = await sink.deliver(batch);
      if (failure?.code !== 'MESSAGE_REJECTED') return { accepted, ...(failure && { failure }) };
      const { id, stream, revision } = batch[0]!;
      return { accepted, failure: new MessageRejectedError(id, stream, revision, 'bad') };
    },
    noticedBy: 'stops its stream there, and is named',
  },
  {
    defect: 'does not know a message again',
    plant: (sink) => (batch) => sink.deliver(batch.map(anew)),
    noticedBy: 'has each message once, at exactly its revision',
  },
  {
    defect: 'turns batches round',
    plant: (sink) => (batch) => sink.deliver([...batch].reverse()),
    noticedBy: 'keeps the order of each stream when a batch holds many',
  },
  {
    defect: 'changes types on the way',
    plant: (sink) => (batch) => sink.deliver(batch.map((message) => Object.create(message, { type: { value: 'event' } }) as OutboxMessage)),
    noticedBy: 'gives back a message as it was committed',
  },
];

describe('the sink kit', () => {
  for (const { defect, plant, noticedBy } of defects) {
    it(`notices a sink that ${defect}`, async () => {
      const verdict = await runKit(() => sinkContract('broken', async () => fixtureOf(plant), capabilities), noticedBy);

      expect(verdict.failed.map(({ title }) => title)).to.include(noticedBy);
    });
  }

  it('notices a whole-stream sink that takes streams with holes', async () => {
    const holey = async (): Promise<SinkFixture> => {
      const sink = new InMemorySink();
      return { ...fixtureOf(() => (batch) => sink.deliver(batch)) };
    };

    const verdict = await runKit(() => sinkContract('broken', holey, capabilities), 'takes no message whose predecessor it lacks');

    expect(verdict.failed).to.have.length(1);
  });

  it('finds nothing wrong with the one that the broken ones are made of', async () => {
    const whole = async (): Promise<SinkFixture> => fixtureOf((sink) => (batch) => sink.deliver(batch));

    const verdict = await runKit(() => sinkContract('whole', whole, capabilities));

    expect(verdict.failed).to.deep.equal([]);
    expect(verdict.passed).to.include.members(defects.map(({ noticedBy }) => noticedBy));
  });
});
