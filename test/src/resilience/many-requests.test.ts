import { getEventListeners } from 'node:events';
import { expect } from 'chai';
import { eventually } from '@waybill/testing';
import { answering, first } from '../http/servers/answers.js';
import { HostileServer } from '../http/servers/hostile-server.js';
import type { Answer } from '../http/servers/hostile-server.js';
import { late, silent } from '../http/servers/late-answers.js';
import { aPolicy } from './a-policy.js';

describe('many requests under a policy', () => {
  const closing: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close();
  });

  const policyAt = async (
    answer: Answer,
    options: Parameters<typeof aPolicy>[0] = {},
  ): Promise<{ server: HostileServer; request: (signal?: AbortSignal) => Promise<unknown>; policy: ReturnType<typeof aPolicy> }> => {
    const server = await HostileServer.start(answer);
    const policy = aPolicy(options);
    closing.push(policy, server);
    return { server, policy, request: (signal) => policy.request({ url: server.url, key: 'k', ...(signal && { signal }) }) };
  };
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length;

  it('leave no timer and no listener behind, and no place', async () => {
    const { policy, request } = await policyAt(answering(), { concurrency: 4 });
    const { signal } = new AbortController();
    await request(signal);
    const before = timers();

    await Promise.all(Array.from({ length: 500 }, () => request(signal)));

    await eventually('all timers have ended', async () => (timers() <= before ? true : undefined));
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
    expect(policy.stats()).to.deep.include({ inUse: 0, waiting: 0, tries: 501 });
  });

  it('have one listener on the signal of their caller between them', async () => {
    const { request, server } = await policyAt(late(50), { concurrency: 6 });
    const { signal } = new AbortController();

    const requests = Array.from({ length: 12 }, () => request(signal));
    await eventually('some are under way', async () => server.requests[5]);

    expect(getEventListeners(signal, 'abort')).to.have.length(1);
    await Promise.all(requests);
    expect(getEventListeners(signal, 'abort')).to.have.length(0);
  });

  it('all end when their caller gives up: those under way, and those that wait for a place or a connection', async () => {
    const { policy, request, server } = await policyAt(first(2, silent), { concurrency: 3, pool: { connections: 2 } });
    const stop = new AbortController();
    const requests = Array.from({ length: 6 }, () => request(stop.signal).catch((error: unknown) => error));
    await eventually('two are under way', async () => server.requests[1]);
    expect(policy.stats()).to.include({ inUse: 3, waiting: 3 });

    stop.abort(new Error('enough'));

    const ended = (await Promise.all(requests)).map(
      (error) => (error as { readonly code?: string; readonly message: string }).code ?? 'none',
    );
    expect(ended.sort()).to.deep.equal(['OUTCOME_UNKNOWN', 'OUTCOME_UNKNOWN', 'none', 'none', 'none', 'none']);
    expect(policy.stats()).to.include({ inUse: 0, waiting: 0 });
    await request(); // places and connections are there for others
    expect(server.requests).to.have.length(3); // and nothing was sent for those that had given up
  });

  it('are not ended by the time limit of a stage that is over', async () => {
    const { request } = await policyAt(late(150), { limits: { acquireMs: 20, connectMs: 20, firstByteMs: 5_000, bodyMs: 20 } });

    expect(await request()).to.include({ status: 200 });
  });
});
