import { expect } from 'chai';
import type { HttpSink, HttpSinkOptions } from '@waybill/http';
import type { OutboxMessage } from '@waybill/core';
import { messagesOf } from '@waybill/testing';
import { ManualClock } from '../../shop/manual-clock.js';
import { answering, busy } from '../servers/answers.js';
import type { HostileServer } from '../servers/hostile-server.js';
import { resetting } from '../servers/broken-answers.js';
import { arrivals, aSink, anEndpoint, closeEverything, deliver, ONE_TRY, targets } from './sinks.js';

describe('failover of an HTTP sink', () => {
  closeEverything();

  interface Scene {
    readonly first: HostileServer;
    readonly second: HostileServer;
    readonly sink: HttpSink;
    readonly clock: ManualClock;
  }
  const aScene = async (options: Partial<HttpSinkOptions> = {}): Promise<Scene> => {
    const [first, second, clock] = [await anEndpoint(), await anEndpoint(), new ManualClock()];
    const sink = aSink({
      targets: targets({ first, second }),
      targetsAre: 'doors-to-one-receiver',
      safeAcrossTargets: true,
      clock,
      ...options,
    });
    return { first, second, sink, clock };
  };
  const one = (): readonly OutboxMessage[] => messagesOf('order-7', 1);
  const states = (sink: HttpSink): readonly string[] =>
    sink.targets().map(({ name, state, inUse }) => `${name} ${state}${inUse ? ', in use' : ''}`);
  const counts = ({ first, second }: Scene): readonly number[] => [first.requests.length, second.requests.length];

  it('uses the first target while that does well', async () => {
    const scene = await aScene();

    for (let nth = 0; nth < 5; nth++) await deliver(scene.sink, one());

    expect(counts(scene)).to.deep.equal([5, 0]);
    expect(states(scene.sink)).to.deep.equal(['first ready, in use', 'second ready']);
  });

  it('goes to the next after failures in a row, with the message that failed', async () => {
    const scene = await aScene();
    await scene.first.close();

    const results = [];
    for (let nth = 0; nth < 4; nth++) results.push(await deliver(scene.sink, one()));

    expect(results.map(({ accepted }) => accepted)).to.deep.equal([0, 0, 1, 1]);
    expect(states(scene.sink)).to.deep.equal(['first left', 'second ready, in use']);
    expect(scene.sink.targets()[0]!.why).to.equal('3 requests failed in a row');
  });

  it('goes to the next when the circuit of the first is open', async () => {
    const breaker = { window: { calls: 2 }, threshold: 0.5, least: 2 } as const;
    const scene = await aScene({ failover: { failuresInARow: 1_000 }, policy: { ...ONE_TRY, breaker } });
    scene.first.answers(answering(500));

    const results = [];
    for (let nth = 0; nth < 4; nth++) results.push((await deliver(scene.sink, one())).accepted);

    expect(results).to.include(1);
    expect(scene.sink.targets()[0]).to.include({ state: 'left', why: 'its circuit breaker is open' });
  });

  it('goes to the next when too many requests fail, though never in a row', async () => {
    const scene = await aScene({ failover: { errorRate: 0.4, least: 10 } });
    scene.first.answers((request, response, nth) => answering(nth % 2 === 0 ? 500 : 200)(request, response, nth));

    for (let nth = 0; nth < 12; nth++) await deliver(scene.sink, one());

    expect(counts(scene)).to.deep.equal([10, 2]);
    expect(scene.sink.targets()[0]!.why).to.equal('5 of the last 10 requests failed');
  });

  it('goes to the next when answers take too long', async () => {
    const clock = new ManualClock();
    const scene = await aScene({ clock, failover: { p95Ms: 100, least: 10 }, policy: { retry: { most: 0 } } });
    scene.first.answers((request, response, nth) => void clock.pass(nth < 8 ? 50 : 150).then(() => answering()(request, response, nth)));

    for (let nth = 0; nth < 12; nth++) await deliver(scene.sink, one());

    expect(counts(scene)).to.deep.equal([10, 2]);
    expect(scene.sink.targets()[0]!.why).to.equal('2 of the last 10 answers took longer than 100 ms');
  });

  it('does not leave a target for messages that it refuses', async () => {
    const scene = await aScene();
    scene.first.answers(answering(422));

    for (let nth = 0; nth < 15; nth++) await deliver(scene.sink, one());

    expect(counts(scene)).to.deep.equal([15, 0]);
  });

  it('comes back by itself, with one request to see', async () => {
    const scene = await aScene({ failover: { failuresInARow: 1, backAfterMs: 30_000 } });
    scene.first.answers(answering(500));
    await deliver(scene.sink, one());
    await scene.clock.pass(30_000);

    await deliver(scene.sink, one());
    expect(states(scene.sink)).to.deep.equal(['first left', 'second ready, in use']);
    await deliver(scene.sink, one());
    expect(counts(scene)).to.deep.equal([2, 3]);

    scene.first.answers(answering());
    await scene.clock.pass(29_999);
    await deliver(scene.sink, one());
    expect(counts(scene)).to.deep.equal([2, 4]);
    await scene.clock.pass(1);
    await deliver(scene.sink, one());
    expect(states(scene.sink)).to.deep.equal(['first ready, in use', 'second ready']);
    expect(counts(scene)).to.deep.equal([3, 4]);
  });

  it('comes back by hand alone, where that is asked for', async () => {
    const scene = await aScene({ failover: { failuresInARow: 1, back: 'by-hand' } });
    scene.first.answers(busy(1));
    await deliver(scene.sink, one());
    scene.first.answers(answering());
    await scene.clock.pass(86_400_000);

    await deliver(scene.sink, one());
    expect(counts(scene)).to.deep.equal([1, 2]);

    scene.sink.resume('first');
    await deliver(scene.sink, one());
    expect(counts(scene)).to.deep.equal([2, 2]);
  });

  it('does not wait for one that asks to be left alone for an hour, while another is well', async () => {
    const scene = await aScene();
    scene.first.answers(busy(3_600));

    const results = [];
    for (let nth = 0; nth < 4; nth++) results.push(await deliver(scene.sink, one()));

    expect(results.map(({ accepted }) => accepted)).to.deep.equal([0, 0, 1, 1]);
    expect(results[0]!.failure).to.include({ code: 'SINK_UNAVAILABLE', retryAfterMs: undefined });
  });

  it('waits as long as the last one asks for, where all ask to be left alone', async () => {
    const scene = await aScene({ failover: { failuresInARow: 1 } });
    for (const server of [scene.first, scene.second]) server.answers(busy(60));

    const { failure } = await deliver(scene.sink, one());

    expect(failure).to.include({ code: 'SINK_UNAVAILABLE', retryAfterMs: 60_000 });
  });

  it('tries each in turn where none does well', async () => {
    const scene = await aScene({ failover: { failuresInARow: 1, back: 'by-hand' } });
    for (const server of [scene.first, scene.second]) server.answers(answering(500));
    await deliver(scene.sink, one());
    expect(states(scene.sink)).to.deep.equal(['first left', 'second left']);

    scene.second.answers(answering());

    expect(await deliver(scene.sink, one())).to.include({ accepted: 1 });
  });

  it('is ended by hand also where a circuit is open, or the target asked to be left alone', async () => {
    const breaker = { window: { calls: 1 }, threshold: 0.5, least: 1 } as const;
    for (const answer of [answering(500), busy(3_600)]) {
      const scene = await aScene({ failover: { failuresInARow: 1, back: 'by-hand' }, policy: { ...ONE_TRY, breaker } });
      scene.first.answers(answer);
      await deliver(scene.sink, one());
      scene.first.answers(answering());

      scene.sink.resume('first');
      await deliver(scene.sink, one());

      expect(states(scene.sink)).to.deep.equal(['first ready, in use', 'second ready']);
      expect(scene.first.requests).to.have.lengthOf(2);
    }
  });

  it('is done by hand: what is suspended gets nothing, until it is resumed', async () => {
    const scene = await aScene();
    scene.sink.suspend('first', 'maintenance until noon');

    await deliver(scene.sink, one());
    expect(counts(scene)).to.deep.equal([0, 1]);
    expect(scene.sink.targets()[0]).to.include({ state: 'suspended', why: 'maintenance until noon', inUse: false });

    scene.sink.suspend('second', 'also');
    const { failure } = await deliver(scene.sink, one());
    expect(failure).to.include({ code: 'SINK_UNAVAILABLE' });
    expect(failure?.message).to.contain('first (maintenance until noon), second (also)');

    scene.sink.resume('first');
    await deliver(scene.sink, one());
    expect(counts(scene)).to.deep.equal([1, 1]);
  });

  it('knows no target that nobody named', async () => {
    const { sink } = await aScene();

    expect(() => sink.suspend('third', 'x')).to.throw('There is no target "third"; there are: first, second.');
  });

  it('speaks to each target in its own way', async () => {
    const [first, second] = [await anEndpoint(answering(200, { ok: false })), await anEndpoint()];
    const sink = aSink({
      targetsAre: 'independent',
      failover: { failuresInARow: 1 },
      targets: [
        {
          name: 'first',
          url: first.url,
          request: ({ id }) => ({ body: { id } }),
          classify: () => ({ unavailable: 'it says it is not well' }),
        },
        { name: 'second', url: second.url, request: ({ stream }) => ({ method: 'PUT', path: `/${stream}` }), headers: { 'x-second': '1' } },
      ],
    });

    expect(await deliver(sink, one())).to.include({ accepted: 1 });

    expect(second.requests[0]).to.include({ method: 'PUT', path: '/order-7' });
    expect(first.requests[0]!.headers).not.to.have.property('x-second');
  });

  describe('of a message that one target may have done', () => {
    const unsafe = { safeAcrossTargets: false, failover: { failuresInARow: 1 } } as const;

    it('waits for that target, and lets others pass to the next', async () => {
      const scene = await aScene(unsafe);
      scene.first.answers(resetting);
      const [message] = one();

      const { failure } = await deliver(scene.sink, [message!]);
      const again = await deliver(scene.sink, [message!], { mayBeRepeat: true });
      const other = await deliver(scene.sink, one(), { lane: 1 });
      scene.first.answers(answering());
      const last = await deliver(scene.sink, [message!], { mayBeRepeat: true });

      expect([failure?.code, again.failure?.code]).to.deep.equal(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN']);
      expect([other.accepted, last.accepted]).to.deep.equal([1, 1]);
      expect([arrivals(scene.first, message!), arrivals(scene.second, message!)]).to.deep.equal([3, 0]);
    });

    it('waits for it also while it is away, or suspended', async () => {
      const scene = await aScene(unsafe);
      scene.first.answers(resetting);
      const [message] = one();
      await deliver(scene.sink, [message!]);

      scene.sink.suspend('first', 'it resets');
      const suspended = await deliver(scene.sink, [message!], { mayBeRepeat: true });
      scene.sink.resume('first');
      await scene.first.close();
      const away = await deliver(scene.sink, [message!], { mayBeRepeat: true });

      for (const { failure } of [suspended, away]) expect(failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
      expect(arrivals(scene.second, message!)).to.equal(0);
    });

    it('goes on to the one in use once a person has said so', async () => {
      const scene = await aScene(unsafe);
      scene.first.answers(resetting);
      const [message] = one();
      await deliver(scene.sink, [message!]);

      expect(await deliver(scene.sink, [message!], { mayBeRepeat: false })).to.include({ accepted: 1 });

      expect(arrivals(scene.second, message!)).to.equal(1);
    });

    it('goes to the next at once where that is declared safe', async () => {
      const scene = await aScene({ failover: { failuresInARow: 1 } });
      scene.first.answers(resetting);
      const [message] = one();

      expect(await deliver(scene.sink, [message!])).to.include({ accepted: 1 });

      expect([arrivals(scene.first, message!), arrivals(scene.second, message!)]).to.deep.equal([1, 1]);
    });

    it('has none accepted behind it that would come again, perhaps to another target', async () => {
      const scene = await aScene(unsafe);
      const [doubtful, behind] = [messagesOf('order-7', 1)[0]!, messagesOf('order-8', 1)[0]!];
      scene.first.answers((request, response, nth) =>
        (request.headers['idempotency-key'] === doubtful.id ? resetting : answering())(request, response, nth),
      );

      const { accepted, acceptedBeyond = [] } = await deliver(scene.sink, [doubtful, behind]);

      expect([accepted, acceptedBeyond]).to.deep.equal([0, []]);
      expect([arrivals(scene.first, behind), arrivals(scene.second, behind)]).to.deep.equal([0, 0]);
    });

    it('takes those with it that were accepted before it, where that could not be stored', async () => {
      const scene = await aScene(unsafe);
      const [before, doubtful] = messagesOf('order-7', 2) as [OutboxMessage, OutboxMessage];
      scene.first.answers((request, response, nth) =>
        (request.headers['idempotency-key'] === doubtful.id ? resetting : answering())(request, response, nth),
      );

      await deliver(scene.sink, [before, doubtful]);
      scene.first.answers(answering());
      const again = await deliver(scene.sink, [before, doubtful], { mayBeRepeat: true });

      expect(again).to.include({ accepted: 2 });
      expect(counts(scene)).to.deep.equal([4, 0]);
    });

    it('of a process that is gone is left to a person, for nobody knows which target that was', async () => {
      const scene = await aScene(unsafe);

      const { failure } = await deliver(scene.sink, one(), { mayBeRepeat: true });

      expect(failure).to.include({ code: 'OUTCOME_UNKNOWN', final: true });
      expect(counts(scene)).to.deep.equal([0, 0]);
    });

    it('of a process that is gone is asked for at every target, where all can be asked', async () => {
      const told = { first: 'unknown', second: 'not-done' } as Record<string, 'done' | 'not-done' | 'unknown'>;
      const [first, second] = [await anEndpoint(), await anEndpoint()];
      const sink = aSink({
        ...{ idempotent: false, targetsAre: 'doors-to-one-receiver' },
        targets: [
          { name: 'first', url: first.url, query: async () => ({ outcome: told['first']! }) },
          { name: 'second', url: second.url, query: async () => ({ outcome: told['second']! }) },
        ],
      });
      const [message] = one();
      const again = async () => deliver(sink, [message!], { mayBeRepeat: true });

      expect((await again()).failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
      told['second'] = undefined as never; // a query that no compiler has checked
      expect((await again()).failure).to.include({ code: 'OUTCOME_UNKNOWN', final: false });
      told['second'] = 'done';
      expect(await again()).to.include({ accepted: 1 });
      told['first'] = told['second'] = 'not-done';
      expect(await deliver(sink, [message!], { mayBeRepeat: true, epoch: 2n })).to.include({ accepted: 1 });
      expect([arrivals(first, message!), arrivals(second, message!)]).to.deep.equal([1, 0]);
    });
  });

  it('of independent targets is refused on a route that promises one order of all messages', async () => {
    const scene = await aScene({ targetsAre: 'independent' });

    const { failure } = await deliver(scene.sink, one(), { order: 'global' });

    expect(failure?.message).to.contain('promises one order of all messages');
    expect(scene.sink.tellsPrevious).to.equal(false);
  });
});
