import { expect } from 'chai';
import type { Credentials, CredentialsSource } from '@waybill/http';
import { messagesOf } from '@waybill/testing';
import { ManualClock } from '../../shop/manual-clock.js';
import { answering } from '../servers/answers.js';
import type { HostileServer } from '../servers/hostile-server.js';
import { aSink, anEndpoint, closeEverything, deliver } from './sinks.js';

describe('credentials of an HTTP sink', () => {
  closeEverything();

  const shown = ({ requests }: HostileServer): readonly unknown[] => requests.map(({ headers }) => headers.authorization);
  /** Tokens t1, t2 and so on, and how many were fetched. */
  const tokens = (expiresAt?: () => Date) => {
    const source = async (): Promise<Credentials> => ({ bearer: `t${++source.fetched}`, ...(expiresAt && { expiresAt: expiresAt() }) });
    source.fetched = 0;
    return source;
  };

  it('are sent as a bearer token, or as user and password', async () => {
    const server = await anEndpoint();

    await deliver(aSink({ url: server.url, credentials: () => ({ bearer: 'abc.def' }) }), messagesOf('order-7', 1));
    await deliver(aSink({ url: server.url, credentials: () => ({ username: 'shop', password: 'süß:1' }) }), messagesOf('order-7', 1));

    expect(shown(server)).to.deep.equal(['Bearer abc.def', `Basic ${Buffer.from('shop:süß:1').toString('base64')}`]);
  });

  it('are fetched once for all who need them', async () => {
    const [server, credentials] = [await anEndpoint(), tokens()];
    const sink = aSink({ url: server.url, credentials });

    await Promise.all([1, 2, 3].map((lane) => deliver(sink, messagesOf(`order-${lane}`, 3), { lane })));

    expect([credentials.fetched, new Set(shown(server))]).to.deep.equal([1, new Set(['Bearer t1'])]);
  });

  it('are fetched anew a little before they run out', async () => {
    const clock = new ManualClock();
    const [server, credentials] = [await anEndpoint(), tokens(() => new Date(clock.now().getTime() + 60_000))];
    const sink = aSink({ url: server.url, credentials, clock });

    for (const ms of [0, 49_999, 1]) {
      await clock.pass(ms);
      await deliver(sink, messagesOf('order-7', 1));
    }

    expect(shown(server)).to.deep.equal(['Bearer t1', 'Bearer t1', 'Bearer t2']);
  });

  it('are fetched anew once after a 401, and the message is sent again', async () => {
    const [server, credentials] = [await anEndpoint(), tokens()];
    server.answers((request, response, nth) =>
      answering(request.headers.authorization === 'Bearer t1' ? 401 : 200)(request, response, nth),
    );

    expect(await deliver(aSink({ url: server.url, credentials }), messagesOf('order-7', 2))).to.include({ accepted: 2 });

    expect(shown(server)).to.deep.equal(['Bearer t1', 'Bearer t2', 'Bearer t2']);
  });

  it('that are refused again are the trouble of the message, like every other refusal', async () => {
    const [server, credentials] = [await anEndpoint(answering(401)), tokens()];

    const { failure } = await deliver(aSink({ url: server.url, credentials }), messagesOf('order-7', 1));

    expect(failure).to.include({ code: 'MESSAGE_REJECTED', final: false });
    expect(shown(server)).to.deep.equal(['Bearer t1', 'Bearer t2']);
  });

  it('that are refused can be the trouble of the sink, where the classifier says so', async () => {
    const [server, credentials] = [await anEndpoint(answering(401)), tokens()];
    // #region refused-access
    const classify = ({ status }: { readonly status: number }) =>
      status === 401 || status === 403 ? { unavailable: `our credentials are refused (${status})` } : undefined;
    // #endregion

    const { failure } = await deliver(aSink({ url: server.url, credentials, classify }), messagesOf('order-7', 1));

    expect(failure).to.include({ code: 'SINK_UNAVAILABLE' });
    expect(credentials.fetched).to.equal(2);
  });

  it('that nobody can give, or that cannot be sent, stop the sink and blame no message', async () => {
    const server = await anEndpoint();

    for (const credentials of [
      () => Promise.reject(new Error('the token server is away')),
      () => ({ bearer: 'two\r\nlines' }),
      () => ({ username: 'a:b', password: 'c' }),
      () => ({ bearer: (JSON.parse('{"error":"invalid_client"}') as { access_token: string }).access_token }),
      () => undefined as never,
    ]) {
      const { failure } = await deliver(aSink({ url: server.url, credentials }), messagesOf('order-7', 1));
      expect(failure?.code).to.equal('SINK_UNAVAILABLE');
      expect(failure?.message).not.to.contain('lines');
    }
    expect(server.requests).to.have.lengthOf(0);
  });

  it('that do not come in time are given up, and asked for again', async () => {
    const [server, clock] = [await anEndpoint(), new ManualClock()];
    const asked: AbortSignal[] = [];
    const credentials: CredentialsSource = ({ signal }) => (asked.push(signal) === 1 ? new Promise<never>(() => {}) : { bearer: 't' });
    const sink = aSink({ url: server.url, credentials, clock });

    const late = deliver(sink, messagesOf('order-7', 1));
    await clock.pass(30_000);

    expect((await late).failure).to.include({ code: 'SINK_UNAVAILABLE' });
    expect(asked[0]!.aborted).to.equal(true);
    expect(await deliver(sink, messagesOf('order-7', 1))).to.include({ accepted: 1 });
  });

  it('that nobody can give after a 401 leave no doubt, for whoever answers so has done nothing', async () => {
    const server = await anEndpoint(answering(401));
    let fetched = 0;
    const credentials = () => (fetched++ === 0 ? { bearer: 't1' } : Promise.reject(new Error('the token server is away')));

    const { failure } = await deliver(aSink({ url: server.url, credentials, idempotent: false }), messagesOf('order-7', 1));

    expect(failure).to.include({ code: 'SINK_UNAVAILABLE' });
    expect(failure?.message).to.contain('the token server is away');
  });

  const never = () => new Promise<never>(() => {});
  for (const [name, options] of Object.entries({ headers: { headers: never }, secrets: { secrets: never } }))
    it(`or ${name} that never come hold no lane for good, nor a delivery that is given up`, async () => {
      const [server, clock, giveUp] = [await anEndpoint(), new ManualClock(), new AbortController()];
      const sink = aSink({ url: server.url, idempotent: false, clock, ...options });

      const late = deliver(sink, messagesOf('order-7', 1));
      await clock.pass(30_000);
      const givenUp = deliver(sink, messagesOf('order-8', 1), { signal: giveUp.signal });
      giveUp.abort();

      expect((await late).failure).to.include({ code: 'SINK_UNAVAILABLE' });
      expect((await late).failure?.message).to.contain(`\`${name}\` gave no answer within 30000 ms`);
      expect((await givenUp).failure).to.include({ code: 'SINK_UNAVAILABLE' });
      expect(server.requests).to.have.lengthOf(0);
    });

  it('that never come do not hold a delivery that is given up', async () => {
    const server = await anEndpoint();
    const giveUp = new AbortController();

    const delivering = deliver(aSink({ url: server.url, credentials: () => new Promise<never>(() => {}) }), messagesOf('order-7', 1), {
      signal: giveUp.signal,
    });
    giveUp.abort();

    expect((await delivering).failure?.code).to.equal('SINK_UNAVAILABLE');
  });

  it('are not shown to another origin that a redirect leads to', async () => {
    const other = await anEndpoint();
    const server = await anEndpoint(answering(307, {}, { location: other.url }));

    await deliver(aSink({ url: server.url, credentials: () => ({ bearer: 't' }), redirects: 1 }), messagesOf('order-7', 1));

    expect([shown(server), shown(other)]).to.deep.equal([['Bearer t'], [undefined]]);
  });

  it('go with other headers, fixed ones or such as a function makes for the message', async () => {
    const server = await anEndpoint();
    const batch = messagesOf('order-7', 1);

    await deliver(aSink({ url: server.url, headers: { 'X-Api-Key': 'k-1' } }), batch);
    await deliver(aSink({ url: server.url, headers: async ({ stream }) => ({ 'x-stream': stream }) }), batch);

    expect(server.requests.map(({ headers }) => [headers['x-api-key'], headers['x-stream']])).to.deep.equal([
      ...[
        ['k-1', undefined],
        [undefined, 'order-7'],
      ],
    ]);
  });
});
