import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo, Server } from 'node:net';
import { expect } from 'chai';
import type { HttpAnswer, HttpRequest, PolicyOptions } from '@waybill/resilience';
import { Policy } from '@waybill/resilience';
import { eventually } from '@waybill/testing';
import { answering, busy, first, redirecting, storm } from '../http/servers/answers.js';
import { babbling, endlessBody, endlessHeaders, promisingTooMuch, resetting, resettingInAnswer } from '../http/servers/broken-answers.js';
import { AUTHORITY, EXPIRED, FOR_ELSEWHERE, FOR_LOCALHOST, SELF_SIGNED } from '../http/servers/certificates.js';
import { HostileServer } from '../http/servers/hostile-server.js';
import type { Answer } from '../http/servers/hostile-server.js';
import { HostileSocket, refusedUrl } from '../http/servers/hostile-socket.js';
import { late, silent, trickling } from '../http/servers/late-answers.js';
import { failureOf } from '../shop/failure-of.js';

describe('an HTTP request under a policy', () => {
  const closing: { close(): Promise<void> }[] = [];
  afterEach(async () => {
    for (const one of closing.splice(0)) await one.close();
  });

  const serve = async (answer: Answer, options?: Parameters<typeof HostileServer.start>[1]): Promise<HostileServer> => {
    const server = await HostileServer.start(answer, options);
    closing.push(server);
    return server;
  };
  const aPolicy = (overrides: Partial<PolicyOptions> = {}): Policy => {
    const policy = new Policy({ name: 'shop', breaker: false, retry: { most: 0 }, ...overrides });
    closing.unshift(policy);
    return policy;
  };
  const send = (url: string, options: Partial<PolicyOptions> = {}, request: Partial<HttpRequest> = {}): Promise<HttpAnswer> =>
    aPolicy(options).request({ url, key: 'm-1', ...request });
  const unavailable = (url: string, options?: Partial<PolicyOptions>): Promise<Error & { readonly retryAfterMs: number | undefined }> =>
    failureOf('TARGET_UNAVAILABLE', () => send(url, options));
  const unknown = (url: string, options?: Partial<PolicyOptions>, request?: Partial<HttpRequest>): Promise<Error> =>
    failureOf('OUTCOME_UNKNOWN', () => send(url, options, request));

  it('sends method, path, headers and body, and brings back status, headers and body', async () => {
    const server = await serve(answering(201, { id: 7 }, { 'x-trace': 't-1' }));

    const answer = await send(`${server.url}/orders?dry=1`, {}, { method: 'put', headers: { 'x-key': 'k' }, body: '{"a":"ü"}' });

    expect(server.requests[0]).to.deep.include({ method: 'PUT', path: '/orders?dry=1', body: Buffer.from('{"a":"ü"}') });
    expect(server.requests[0]!.headers).to.include({ 'x-key': 'k', 'content-length': '10' });
    expect(answer).to.deep.include({ status: 201, body: Buffer.from('{"id":7}'), truncated: false });
    expect(answer.headers).to.include({ 'x-trace': 't-1' });
    expect(answer.durationMs).to.be.greaterThan(0);
  });

  it('sends a large body whole', async () => {
    const server = await serve(answering());
    const body = Buffer.alloc(1_000_000, 'waybill ');

    await send(server.url, {}, { body });

    expect(server.requests[0]!.body.equals(body)).to.equal(true);
    expect(server.requests[0]!.headers).to.include({ 'content-length': '1000000' });
  });

  it('brings a refusal back as an answer', async () => {
    const server = await serve(answering(422, { title: 'no' }));

    expect(await send(server.url)).to.include({ status: 422 });
  });

  describe('has its time limits', () => {
    it('to connect, TLS included: nothing was done', async () => {
      const socket = await HostileSocket.start('never-reads');
      closing.push(socket);

      const { message } = await unavailable(`https://${socket.host}/`, { limits: { connectMs: 100 } });

      expect(message).to.match(/connect timeout/i);
    });

    it('to write: an outcome that is unknown', async () => {
      const socket = await HostileSocket.start('stops-reading');
      closing.push(socket);

      const { message } = await unknown(socket.url, { limits: { writeMs: 100 } }, { body: Buffer.alloc(30_000_000) });

      expect(message).to.contain('took nothing of the request for 100 ms');
    });

    it('to the first byte', async () => {
      const server = await serve(silent);

      const { message } = await unknown(server.url, { limits: { firstByteMs: 100 } });

      expect(message).to.contain('no answer within 100 ms of the request');
    });

    it('to the first byte, from the last of a long request', async () => {
      const server = await serve(late(150));

      expect(await send(server.url, { limits: { firstByteMs: 1_000 } }, { body: Buffer.alloc(5_000_000) })).to.include({ status: 200 });
      await unknown(server.url, { limits: { firstByteMs: 50 } }, { body: Buffer.alloc(200_000) });
    });

    it('to the first byte, which do not begin while the request is still being read', async () => {
      const server = createHttpServer((request, response) => {
        const read = (): void => void request.resume().on('end', () => response.end('{}'));
        setTimeout(read, 300);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      closing.push({ close: () => new Promise((resolve) => server.close(() => resolve())) });

      const answer = await send(
        `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
        { limits: { firstByteMs: 150 } },
        { body: Buffer.alloc(50_000_000) },
      );

      expect(answer).to.include({ status: 200 });
    });

    it('to write, which do not go on when it is written', async () => {
      const server = await serve(late(150));

      expect(await send(server.url, { limits: { writeMs: 40 } })).to.include({ status: 200 });
    });

    it('of silence, which begin anew with each piece of a body', async () => {
      const server = await serve(trickling(40, 8));

      expect(await send(server.url, { limits: { bodyMs: 200 } })).to.deep.include({ body: Buffer.from('........') });
    });

    it('in the silence of a body', async () => {
      const server = await serve(trickling(300));

      const { message } = await unknown(server.url, { limits: { bodyMs: 100 } });

      expect(message).to.contain('nothing more of the answer for 100 ms');
    });

    it('as a whole, however busy the answer is', async () => {
      const server = await serve(trickling(10));

      const { message } = await unknown(server.url, { limits: { callMs: 150 } });

      expect(message).to.contain('not over within 150 ms');
    });

    it('to wait for a free connection: nothing was done, and others keep theirs', async () => {
      const server = await serve(late(300));
      const policy = aPolicy({ pool: { connections: 1 }, limits: { acquireMs: 100 } });
      const held = policy.request({ url: server.url, key: 'k' });
      await eventually('the first is under way', async () => server.requests[0]);

      const { message } = await failureOf('TARGET_UNAVAILABLE', () => policy.request({ url: server.url, key: 'k' }));

      expect(message).to.contain('no free connection within 100 ms');
      expect(await held).to.include({ status: 200 });
      expect(await policy.request({ url: server.url, key: 'k' })).to.include({ status: 200 });
      expect(server.requests).to.have.length(2); // the one in the middle never came
      expect(server.connections).to.equal(1);
    });
  });

  describe('was not sent', () => {
    it('where the caller gives up while it waits for a connection: that is no news about the target', async () => {
      const server = await serve(late(100));
      const policy = aPolicy({ pool: { connections: 1 } });
      const held = policy.request({ url: server.url, key: 'k' });
      await eventually('the first is under way', async () => server.requests[0]);
      const stop = new AbortController();
      const waiting = policy.request({ url: server.url, key: 'k', signal: stop.signal }).catch((error: unknown) => error);

      stop.abort(new Error('enough'));

      expect(await waiting).to.have.property('message', 'enough');
      await held;
      expect(policy.stats().outcomes).to.include({ aborted: 1, done: 1, unavailable: 0 });
      expect(server.requests).to.have.length(1);
    });

    it('where the connection is refused, and is tried again', async () => {
      const policy = aPolicy({ retry: { most: 2, firstMs: 1, maxMs: 2 } });

      const { message } = await failureOf('TARGET_UNAVAILABLE', async () => policy.request({ url: await refusedUrl(), key: 'k' }));

      expect(message).to.contain('ECONNREFUSED');
      expect(policy.stats()).to.deep.include({ tries: 3 });
    });

    it('where the name means nothing', async () => {
      const lookup: PolicyOptions['lookup'] = (host, _options, callback) =>
        callback(Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' }), '');

      expect((await unavailable('http://nowhere.example/', { lookup })).message).to.contain('ENOTFOUND nowhere.example');
    });

    const wrong = { 'is expired': EXPIRED, 'is for another host': FOR_ELSEWHERE, 'is signed by itself': SELF_SIGNED };
    for (const [what, certificate] of Object.entries(wrong)) {
      it(`where the certificate ${what}, and says so`, async () => {
        const server = await serve(answering(), { certificate });

        const { message } = await unavailable(server.url, { ca: AUTHORITY });

        expect(message).to.match(/certificate|altname/i);
        expect(server.requests).to.have.length(0);
      });
    }

    it('where the authority is not trusted; with it, it is', async () => {
      const server = await serve(answering(), { certificate: FOR_LOCALHOST });
      await unavailable(server.url);

      expect(await send(server.url, { ca: AUTHORITY })).to.include({ status: 200 });
    });
  });

  describe('has an unknown outcome', () => {
    const lost = { resetting, resettingInAnswer, promisingTooMuch, babbling, endlessHeaders };
    for (const [what, answer] of Object.entries(lost)) {
      it(`at a server that is ${what}`, async () => {
        const server = await serve(answer);

        await unknown(server.url, { limits: { callMs: 5_000 } });

        expect(server.requests).to.have.length(1);
      });
    }

    for (const status of [500, 502, 504]) {
      it(`where it is answered with ${status}`, async () => {
        const server = await serve(answering(status));

        expect((await unknown(server.url)).message).to.contain(`answered ${status}`);
      });
    }
  });

  it('takes a refusal that breaks off for a refusal', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(422, { 'content-length': '100' });
      response.write('no', () => setTimeout(() => response.socket?.destroy(), 20));
    });

    const answer = await send(server.url);

    expect(answer).to.deep.include({ status: 422, truncated: true, body: Buffer.from('no') });
  });

  it('cuts an answer off at its bound, hangs up, and goes on', async () => {
    const server = await serve(first(1, endlessBody));
    const policy = aPolicy({ pool: { connections: 1 } });

    const answer = await policy.request({ url: server.url, key: 'k', maxAnswerBytes: 100_000 });

    expect(answer.body).to.have.length(100_000);
    expect(answer.truncated).to.equal(true);
    expect(await policy.request({ url: server.url, key: 'k' })).to.include({ status: 200, truncated: false });
  });

  it('does not call an answer cut off that is as long as its bound', async () => {
    const server = await serve((_request, response) => response.end('1234'));

    expect(await send(server.url, {}, { maxAnswerBytes: 4 })).to.deep.include({ body: Buffer.from('1234'), truncated: false });
  });

  describe('and a target that is not available', () => {
    it('is tried again within the call where it does not say when', async () => {
      const server = await serve(storm(2));

      expect(await send(server.url, { retry: { most: 2, firstMs: 1, maxMs: 2 } })).to.include({ status: 200 });
      expect(server.requests).to.have.length(3);
    });

    for (const [how, retryAfter] of [
      ['in seconds', () => 30],
      ['until a date', () => new Date(Date.now() + 30_500)],
    ] as const) {
      it(`is left alone for as long as it asks for, ${how}`, async () => {
        const server = await serve(busy(retryAfter()));
        const policy = aPolicy({ retry: { most: 2 } });

        const { retryAfterMs } = await failureOf('TARGET_UNAVAILABLE', () => policy.request({ url: server.url, key: 'k' }));

        expect(retryAfterMs).to.be.within(28_000, 30_500);
        expect(policy.state).to.equal('held');
        await failureOf('TARGET_UNAVAILABLE', () => policy.request({ url: server.url, key: 'k' }));
        expect(server.requests).to.have.length(1);
      });
    }

    it('is judged by who knows it', async () => {
      const server = await serve(answering(418));

      const call = send(
        server.url,
        {},
        { judge: ({ status }) => (status === 418 ? { unavailable: 'it is a teapot', retryAfterMs: 5 } : 'answered') },
      );

      const { message, retryAfterMs } = await failureOf('TARGET_UNAVAILABLE', () => call);
      expect(message).to.contain('it is a teapot');
      expect(retryAfterMs).to.equal(5);
    });

    it('is not known to be where the one who judges fails: then the outcome is unknown', async () => {
      const server = await serve(answering(200));
      const policy = aPolicy();
      const judge = (): never => {
        throw new Error('a mistake');
      };

      const { message } = await failureOf('OUTCOME_UNKNOWN', () => policy.request({ url: server.url, key: 'k', judge }));

      expect(message).to.contain('answered 200').and.to.contain('a mistake');
      expect(policy.stats().outcomes).to.include({ unknown: 1 });
    });

    it('may be asked again after 500 where it is idempotent', async () => {
      const server = await serve(first(1, answering(500)));

      expect(await send(server.url, { idempotent: true, retry: { most: 1, firstMs: 1 } })).to.include({ status: 200 });
    });
  });

  describe('and redirects', () => {
    it('are not followed unless that is allowed', async () => {
      const [there, here] = [await serve(answering()), await serve(silent)];
      here.answers(redirecting(there.url));

      expect(await send(here.url)).to.include({ status: 307 });
      expect(there.requests).to.have.length(0);
    });

    it('are followed so far and no further, with method and body', async () => {
      const server = await serve((request, response, nth) => redirecting(`/${nth + 1}`, 308)(request, response, nth));

      expect(await send(server.url, {}, { redirects: 2, body: '{}' })).to.include({ status: 308 });
      expect(server.requests.map(({ method, path, body }) => [method, path, body.toString()])).to.deep.equal([
        ['POST', '/', '{}'],
        ['POST', '/1', '{}'],
        ['POST', '/2', '{}'],
      ]);
    });

    for (const status of [301, 302, 303] as const) {
      it(`are not followed as a GET where a POST was sent (${status})`, async () => {
        const server = await serve(first(1, redirecting('/elsewhere', status)));

        expect(await send(server.url, {}, { redirects: 5 })).to.include({ status });
        expect(server.requests).to.have.length(1);
      });
    }

    it('do not carry credentials to another origin', async () => {
      const there = await serve(answering());
      const here = await serve(redirecting(`${there.url}/`));
      const headers = { Authorization: 'Bearer s3cret', Cookie: 'a=b', 'x-id': '7' };

      await send(here.url, {}, { redirects: 1, headers });

      expect(here.requests[0]!.headers).to.include({ authorization: 'Bearer s3cret' });
      expect(there.requests[0]!.headers).to.include({ 'x-id': '7' });
      expect(there.requests[0]!.headers).not.to.have.any.keys('authorization', 'cookie');
    });

    it('do not lead from https to http', async () => {
      const there = await serve(answering());
      const here = await serve(redirecting(there.url), { certificate: FOR_LOCALHOST });

      expect(await send(here.url, { ca: AUTHORITY }, { redirects: 1 })).to.include({ status: 307 });
      expect(there.requests).to.have.length(0);
    });
  });

  describe('over connections', () => {
    it('that are used again', async () => {
      const server = await serve(answering());
      const policy = aPolicy();

      for (let nth = 0; nth < 20; nth++) await policy.request({ url: server.url, key: 'k' });

      expect(server.connections).to.be.at.most(2); // the pool does not always know yet that the first is free again
    });

    it('of which there are only so many', async () => {
      const server = await serve(late(20));
      const policy = aPolicy({ pool: { connections: 2 } });

      await Promise.all(Array.from({ length: 8 }, () => policy.request({ url: server.url, key: 'k' })));

      expect(server.connections).to.equal(2);
    });

    it('that are not kept idle for longer than that', async () => {
      const server = await serve(answering(200, {}, { 'keep-alive': 'timeout=60' }));
      const policy = aPolicy({ pool: { idleMs: 30 } });
      await policy.request({ url: server.url, key: 'k' });

      await eventually('a second connection is made', async () => {
        await new Promise((resolve) => setTimeout(resolve, 60));
        await policy.request({ url: server.url, key: 'k' });
        return server.connections === 2 ? true : undefined;
      });
    });

    it('that are not used for longer than they live, also where there is only one', async () => {
      const server = await serve(answering());
      const policy = aPolicy({ pool: { connections: 1, lifeMs: 1 } });

      for (let nth = 0; nth < 4; nth++) {
        await policy.request({ url: server.url, key: 'k' });
        await new Promise((resolve) => setTimeout(resolve, 5));
      }

      expect(server.connections).to.be.within(2, 4);
    });

    it('that end with the policy', async () => {
      let open = 0;
      const server: Server = createServer((socket) => {
        open++;
        socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n')).on('close', () => open--);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const policy = aPolicy();
      await policy.request({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: 'k' });
      expect(open).to.equal(1);

      await policy.close();

      await eventually('the connection is closed', async () => (open === 0 ? true : undefined));
      server.close();
    });
  });
});
