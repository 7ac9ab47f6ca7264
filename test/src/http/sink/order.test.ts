import { expect } from 'chai';
import fc from 'fast-check';
import type { OutboxMessage } from '@waybill/core';
import { anOutboxMessage, eventually, messagesOf } from '@waybill/testing';
import { answering } from '../servers/answers.js';
import { silent } from '../servers/late-answers.js';
import type { HostileServer } from '../servers/hostile-server.js';
import { aSink, anEndpoint, closeEverything, deliver, eventIn } from './sinks.js';

describe('the order of an HTTP sink', () => {
  closeEverything();

  const interleaved = (streams: number, each: number): readonly OutboxMessage[] =>
    Array.from({ length: streams * each }, (_, nth) => anOutboxMessage(`order-${nth % streams}`, BigInt(Math.floor(nth / streams))));
  const places = (server: HostileServer): readonly string[] =>
    server.requests.map((request) => `${String(eventIn(request)['subject'])}@${String(eventIn(request)['sequence'])}`);

  /** The most requests that were under way at once while the batch was delivered. */
  const mostAtOnce = async (options: object, order: 'stream' | 'global' = 'stream', streams = 20): Promise<number> => {
    let [now, most] = [0, 0];
    const server = await anEndpoint((request, response, nth) => {
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        answering()(request, response, nth);
      }, 5);
    });
    expect(await deliver(aSink({ url: server.url, ...options }), interleaved(streams, 3), { order })).to.include({ accepted: streams * 3 });
    return most;
  };

  it('lets streams go side by side, as many as it is told', async () => {
    expect(await mostAtOnce({})).to.equal(8);
    expect(await mostAtOnce({ inFlight: 3 })).to.equal(3);
    expect(await mostAtOnce({}, 'stream', 2)).to.equal(2);
  });

  it('is one after another where the route, the target, or the number says so', async () => {
    expect(await mostAtOnce({}, 'global')).to.equal(1);
    expect(await mostAtOnce({ idempotent: false })).to.equal(1);
    expect(await mostAtOnce({ inFlight: 1 })).to.equal(1);
  });

  it('asks for one message at a time where a target is not idempotent', () => {
    expect(aSink({ url: 'http://localhost', idempotent: false }).mostAtOnce).to.equal(1);
    expect(aSink({ url: 'http://localhost' }).mostAtOnce).to.equal(undefined);
  });

  it('begins no message of a stream behind one that failed, and of others only what lies before it', async () => {
    const batch = interleaved(4, 4);
    const bad = batch[5]!; // order-1@1
    const server = await anEndpoint((request, response, nth) =>
      answering(eventIn(request)['id'] === bad.id ? 422 : 200)(request, response, nth),
    );

    const { accepted, failure } = await deliver(aSink({ url: server.url }), batch);

    expect(accepted).to.equal(5);
    expect(failure).to.include({ code: 'MESSAGE_REJECTED', messageId: bad.id });
    expect(places(server)).not.to.include.members(['order-1@2']);
    expect(places(server)).not.to.include.members(['order-1@3']);
  });

  it('sends nothing more once it was given up, and calls accepted what was', async () => {
    const giveUp = new AbortController();
    const server = await anEndpoint((request, response, nth) => (nth < 2 ? answering() : silent)(request, response, nth));
    const policy = { retry: { most: 0 }, breaker: false } as const;

    const delivering = deliver(aSink({ url: server.url, inFlight: 1, policy }), messagesOf('order-7', 5), { signal: giveUp.signal });
    await eventually('the third request', async () => (server.requests.length === 3 ? true : undefined));
    giveUp.abort();

    expect((await delivering).accepted).to.equal(2);
    expect(server.requests).to.have.lengthOf(3);
  });

  it('is kept under random answers and times, however many deliveries it takes', async () => {
    const status = fc.oneof({ weight: 6, arbitrary: fc.constant(200) }, { weight: 1, arbitrary: fc.constantFrom(422, 500, 504, 0) });
    const scene = fc.record({
      streams: fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 25 }),
      statuses: fc.array(status, { minLength: 1, maxLength: 40 }),
      delays: fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 10 }),
      inFlight: fc.integer({ min: 1, max: 6 }),
      mode: fc.constantFrom('structured' as const, 'batch' as const),
    });

    const server = await anEndpoint();
    await fc.assert(
      fc.asyncProperty(scene, async ({ streams, statuses, delays, inFlight, mode }) => {
        const counts = new Map<number, bigint>();
        const batch = streams.map((stream) => {
          const revision = counts.get(stream) ?? 0n;
          counts.set(stream, revision + 1n);
          return anOutboxMessage(`order-${stream}`, revision);
        });
        const kept: string[] = [];
        let nth = -1; // answers by turns at first, and well in the end
        server.answers((request, response) => {
          const answered = statuses[++nth] ?? 200;
          setTimeout(
            () => {
              if (answered === 200) kept.push(...[eventsOf(request.body)].flat());
              if (answered === 0) response.destroy();
              else answering(answered)(request, response, nth);
            },
            delays[nth % delays.length],
          );
        });
        const sink = aSink({ url: server.url, inFlight, mode, batch: { messages: inFlight } });

        let [left, tries]: [readonly OutboxMessage[], number] = [batch, 0];
        while (left.length > 0 && tries++ < 100) {
          const { accepted, acceptedBeyond = [], failure } = await deliver(sink, left);
          const called = left.filter((_, index) => index < accepted || acceptedBeyond.includes(index)).map(({ id }) => id);
          expect(kept).to.include.members(called);
          if (failure?.code === 'MESSAGE_REJECTED') expect(failure.messageId).to.equal(left[accepted]!.id);
          left = left.slice(accepted);
        }

        expect(left).to.have.lengthOf(0);
        for (const stream of new Set(batch.map((message) => message.stream))) {
          const firstTimes = [...new Set(kept)].filter((id) => batch.some((message) => message.id === id && message.stream === stream));
          expect(firstTimes).to.deep.equal(batch.filter((message) => message.stream === stream).map(({ id }) => id));
        }
      }),
      { numRuns: 150 },
    );
  }).timeout(60_000);
});

function eventsOf(body: Buffer): string | readonly string[] {
  const document = JSON.parse(body.toString()) as { readonly id: string } | readonly { readonly id: string }[];
  return Array.isArray(document) ? document.map(({ id }: { readonly id: string }) => id) : (document as { readonly id: string }).id;
}
