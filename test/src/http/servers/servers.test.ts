import { once } from 'node:events';
import { request as requestHttp } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import { eventually, isWaiting } from '@waybill/testing';
import { expect } from 'chai';
import { answering, busy, redirecting, storm } from './answers.js';
import {
  babbling,
  endlessBody,
  endlessHeaders,
  promisingTooLittle,
  promisingTooMuch,
  resetting,
  resettingInAnswer,
} from './broken-answers.js';
import { AUTHORITY, EXPIRED, FOR_ELSEWHERE, FOR_LOCALHOST, SELF_SIGNED } from './certificates.js';
import { HostileServer } from './hostile-server.js';
import type { Answer } from './hostile-server.js';
import { HostileSocket, refusedUrl } from './hostile-socket.js';
import { late, silent, trickling } from './late-answers.js';
import { PaymentServer } from './payment-server.js';

interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  readonly ca?: string;
  readonly most?: number;
}

/** A plain client: resolves with the answer, or with the code of what went wrong. */
async function send(
  url: string,
  { method = 'POST', headers = {}, body = 'hello', ca, most = 1_000_000 }: Sent = {},
): Promise<Answered | string> {
  const options = { method, headers, agent: false, ...(ca !== undefined && { ca }) } as const;
  const sent = url.startsWith('https:') ? requestHttps(url, options) : requestHttp(url, options);
  return new Promise((resolve) => {
    const failed = (error: Error & { readonly code?: string }): void => resolve(error.code ?? error.message);
    sent.on('error', failed);
    sent.on('response', (response) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('error', failed);
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        if ((length += chunk.length) > most) response.destroy(Object.assign(new Error('too much'), { code: 'TOO_MUCH' }));
      });
      response.on('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: Buffer.concat(chunks).toString() }),
      );
    });
    sent.end(body);
  });
}

describe('the servers that behave badly, for tests', () => {
  const toClose: { close(): Promise<void> }[] = [];
  const closed = <Opened extends { close(): Promise<void> }>(opened: Opened): Opened => (toClose.push(opened), opened);
  const serving = async (...parameters: Parameters<typeof HostileServer.start>): Promise<HostileServer> =>
    closed(await HostileServer.start(...parameters));
  afterEach(async () => void (await Promise.all(toClose.splice(0).map((opened) => opened.close()))));

  it('answer well where they should, and tell what they were asked', async () => {
    const server = await serving(answering(202, { outcome: 'accepted' }));

    const answer = await send(`${server.url}/hooks?x=1`, { headers: { 'x-own': 'yes' } });

    expect(answer).to.deep.include({ status: 202, body: '{"outcome":"accepted"}' });
    expect(server.requests).to.have.length(1);
    expect(server.requests[0]).to.include({ method: 'POST', path: '/hooks?x=1' });
    expect(server.requests[0]!.headers).to.include({ 'x-own': 'yes' });
    expect(String(server.requests[0]!.body)).to.equal('hello');
    expect(server.connections).to.equal(1);
  });

  it('begin late', async () => {
    const server = await serving(late(80));
    const startedAt = performance.now();

    expect(await send(server.url)).to.include({ status: 200 });
    expect(performance.now() - startedAt).to.be.at.least(75);
  });

  it('let the body trickle', async () => {
    const server = await serving(trickling(10, 5));
    expect(await send(server.url)).to.include({ status: 200, body: '.....' });

    server.answers(trickling(10));
    expect(await isWaiting(send(server.url))).to.equal(true);
  });

  it('read and never answer', async () => {
    const server = await serving(silent);

    const answer = send(server.url);

    await eventually('the request being read', async () => (server.requests.length === 1 ? true : undefined));
    expect(await isWaiting(answer)).to.equal(true);
  });

  it('take a connection and nothing more', async () => {
    const socket = closed(await HostileSocket.start('never-reads'));

    for (const scheme of ['http', 'https']) expect(await isWaiting(send(`${scheme}://${socket.host}`))).to.equal(true);

    expect(socket).to.include({ connections: 2, read: 0 });
  });

  it('stop reading, so that a large request is never written to its end', async () => {
    const socket = closed(await HostileSocket.start('stops-reading'));
    const sent = requestHttp(socket.url, { method: 'POST', agent: false });
    sent.on('error', () => {});

    sent.end(Buffer.alloc(32_000_000));

    await eventually('the first bytes being read', async () => (socket.read > 0 ? true : undefined));
    expect(await isWaiting(once(sent, 'finish'))).to.equal(true);
    expect(socket.read).to.be.below(1_000_000);
  });

  it('reset the connection before they read', async () => {
    const socket = closed(await HostileSocket.start('resets'));

    expect(await send(socket.url)).to.be.oneOf(['ECONNRESET', 'EPIPE']);
    expect(socket.read).to.equal(0);
  });

  it('refuse the connection', async () => {
    expect(await send(await refusedUrl())).to.equal('ECONNREFUSED');
  });

  const broken: readonly (readonly [string, Answer, string | RegExp])[] = [
    ['reset the connection when they have read the request', resetting, 'ECONNRESET'],
    ['reset the connection in the middle of the answer', resettingInAnswer, 'ECONNRESET'],
    ['promise more than they send', promisingTooMuch, 'ECONNRESET'],
    ['send headers without end', endlessHeaders, 'HPE_HEADER_OVERFLOW'],
    ['send a body without end', endlessBody, 'TOO_MUCH'],
    ['do not speak HTTP', babbling, /^HPE_/],
  ];
  for (const [what, answer, code] of broken) {
    it(what, async () => {
      const server = await serving(answer);

      expect(await send(server.url)).to.match(typeof code === 'string' ? new RegExp(`^${code}$`) : code);

      expect(String(server.requests[0]!.body)).to.equal('hello');
    });
  }

  it('send more than they promise', async () => {
    const server = await serving(promisingTooLittle);

    expect(await send(server.url)).to.satisfy((answer: Answered | string) =>
      typeof answer === 'string' ? answer.startsWith('HPE_') : answer.body === 'only',
    );
  });

  it('are too busy, for so many seconds or until a date', async () => {
    const server = await serving(busy(7));
    const until = new Date(Date.UTC(2031, 0, 31, 12, 30, 15));

    const inSeconds = (await send(server.url)) as Answered;
    server.answers(busy(until, 503));
    const asDate = (await send(server.url)) as Answered;

    expect([inSeconds.status, inSeconds.headers['retry-after']]).to.deep.equal([429, '7']);
    expect([asDate.status, asDate.headers['retry-after']]).to.deep.equal([503, 'Fri, 31 Jan 2031 12:30:15 GMT']);
  });

  it('are down for some requests, and then well', async () => {
    const server = await serving(storm(2));

    const statuses = [await send(server.url), await send(server.url), await send(server.url)].map((answer) => (answer as Answered).status);

    expect(statuses).to.deep.equal([503, 503, 200]);
  });

  it('send elsewhere', async () => {
    const server = await serving(redirecting('http://169.254.169.254/latest/meta-data'));

    const { status, headers } = (await send(server.url)) as Answered;

    expect([status, headers.location]).to.deep.equal([307, 'http://169.254.169.254/latest/meta-data']);
  });

  for (const [what, certificate, code] of [
    ['for another host', FOR_ELSEWHERE, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    ['that nobody else signed', SELF_SIGNED, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['that has expired', EXPIRED, 'CERT_HAS_EXPIRED'],
  ] as const) {
    it(`show a certificate ${what}`, async () => {
      const server = await serving(answering(), { certificate });

      expect(await send(server.url, { ca: AUTHORITY })).to.equal(code);
      expect(server.requests).to.deep.equal([]);
    });
  }

  it('show a good certificate to those who trust the authority', async () => {
    const server = await serving(answering(), { certificate: FOR_LOCALHOST });

    expect(await send(server.url, { ca: AUTHORITY })).to.include({ status: 200 });
    expect(await send(server.url)).to.be.a('string');
  });

  describe('as a payment provider', () => {
    const pay = (payments: PaymentServer, key: string): Promise<Answered | string> =>
      send(payments.url, { headers: { 'idempotency-key': key }, body: '{"cents":1200}' });
    const ask = async (payments: PaymentServer, key: string): Promise<unknown> =>
      JSON.parse(((await send(`${payments.url}/${key}`, { method: 'GET', body: '' })) as Answered).body);

    it('take money once for each order, or once for each key', async () => {
      for (const [idempotent, times] of [
        [false, 2],
        [true, 1],
      ] as const) {
        const payments = closed(await PaymentServer.start({ idempotent }));

        await pay(payments, 'one');
        const answer = (await pay(payments, 'one')) as Answered;

        expect(answer.status).to.equal(201);
        expect(JSON.parse(answer.body)).to.deep.equal({ state: 'done', key: 'one' });
        expect(payments.chargesOf('one')).to.equal(times);
        expect(payments.orders).to.have.length(2);
      }
    });

    it('take the money, and then hang, reset or answer with 504', async () => {
      const payments = closed(await PaymentServer.start());
      payments.next({ charges: 'yes', then: 'hangs' }, { charges: 'yes', then: 'resets' }, { charges: 'yes', then: 504 });

      const hanging = pay(payments, 'hangs');
      await eventually('the money being taken', async () => (payments.chargesOf('hangs') === 1 ? true : undefined));
      expect(await isWaiting(hanging)).to.equal(true);
      expect(await pay(payments, 'resets')).to.equal('ECONNRESET');
      expect(await pay(payments, '504')).to.include({ status: 504 });

      expect(payments.charges).to.deep.equal(['hangs', 'resets', '504']);
      expect(await ask(payments, '504')).to.deep.equal({ state: 'done', key: '504' });
      expect(await pay(payments, 'well')).to.include({ status: 201 });
    });

    it('do not take the money, or take it later, and tell so', async () => {
      const payments = closed(await PaymentServer.start());
      payments.next({ charges: 'no', then: 504 }, { charges: 'later', then: 504 });
      await pay(payments, 'no');
      await pay(payments, 'later');

      expect(await ask(payments, 'no')).to.deep.equal({ state: 'not-done', key: 'no' });
      expect(await ask(payments, 'later')).to.deep.equal({ state: 'pending', key: 'later' });
      payments.catchUp();
      expect(await ask(payments, 'later')).to.deep.equal({ state: 'done', key: 'later' });
      expect(payments.questions).to.deep.equal(['no', 'later', 'later']);
    });

    it('cannot be asked while they are down', async () => {
      const payments = closed(await PaymentServer.start());
      const question = (): Promise<Answered | string> => send(`${payments.url}/one`, { method: 'GET', body: '' });

      payments.status = 'down';
      expect(await question()).to.include({ status: 503 });
      payments.status = 'silent';
      expect(await isWaiting(question())).to.equal(true);
    });
  });
});
