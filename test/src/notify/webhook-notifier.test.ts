import { expect } from 'chai';
import { InvalidOptionsError } from '@waybill/core';
import type { Alarm, NotificationFailedError } from '@waybill/core';
import { slackMessage, WebhookNotifier } from '@waybill/notify';
import type { WebhookOptions } from '@waybill/notify';
import { failureOf } from '../shop/failure-of.js';
import { aFinding } from './mailbox.js';
import { WebhookServer } from './webhook-server.js';

const anAlarm = (overrides: Partial<Alarm> = {}): Alarm => ({
  ...aFinding(),
  ...{ state: 'raised', instance: 'shop-1', repeats: 0 },
  ...overrides,
});

describe('a webhook notifier', () => {
  let server: WebhookServer;

  beforeEach(async () => {
    server = new WebhookServer();
    await server.start();
  });
  afterEach(() => server.stop());

  const notify = (options: Partial<WebhookOptions> = {}, signal?: AbortSignal): Promise<void> =>
    new WebhookNotifier({ url: server.url, ...options }).notify(anAlarm(), signal);
  const refused = (options?: Partial<WebhookOptions>, signal?: AbortSignal): Promise<NotificationFailedError> =>
    failureOf('NOTIFICATION_FAILED', () => notify(options, signal));

  it('posts what Slack and Mattermost take', async () => {
    await notify();

    expect(server.posted).to.have.length(1);
    expect(server.posted[0]).to.have.nested.property('headers.content-type', 'application/json');
    expect(server.posted[0]).to.deep.include({
      path: '/services/T0/s3cret',
      body: {
        text:
          ':rotating_light: *Lane orders/3 halted at order-7@12*\n' +
          'Message m-1 was not accepted.\n' +
          '_shop-1, since 2025-01-01T00:00:00.000Z_',
      },
    });
  });

  it('posts what its own mapper makes of an alarm, with its own headers', async () => {
    await notify({ body: ({ title }) => ({ content: title }), headers: { authorization: 'Bearer t' } });

    expect(server.posted[0]!.body).to.deep.equal({ content: 'Lane orders/3 halted at order-7@12' });
    expect(server.posted[0]!.headers).to.include({ authorization: 'Bearer t' });
  });

  it('fails where it is not answered with 2xx, says what was answered, and may be tried again', async () => {
    server.answer = (response) => void response.writeHead(500).end('out of\n order');

    const { message, final } = await refused();

    expect({ message, final }).to.deep.equal({
      message: `The alarm was not taken: ${server.host} answered 500: out of order.`,
      final: false,
    });
  });

  it('fails for good where the address is wrong', async () => {
    server.answer = (response) => void response.writeHead(404).end('no_service');

    expect(await refused()).to.include({ final: true });
  });

  for (const [title, retryAfter, least, most] of [
    ['seconds', () => '7', 7_000, 7_000],
    ['a date', () => new Date(Date.now() + 60_000).toUTCString(), 40_000, 60_000],
    ['a time that is over', () => new Date(0).toUTCString(), 0, 0],
  ] as const) {
    it(`passes on how long it is to wait, told as ${title}`, async () => {
      server.answer = (response) => void response.writeHead(429, { 'retry-after': retryAfter() }).end();

      const { final, retryAfterMs } = await refused();

      expect(final).to.equal(false);
      expect(retryAfterMs).to.be.within(least, most);
    });
  }

  it('takes no notice of a time that is none', async () => {
    server.answer = (response) => void response.writeHead(429, { 'retry-after': 'soon' }).end();

    expect(await refused()).to.include({ final: false, retryAfterMs: undefined });
  });

  it('follows no redirect', async () => {
    const elsewhere = new WebhookServer();
    await elsewhere.start();
    server.answer = (response) => void response.writeHead(307, { location: elsewhere.url }).end();

    const { final, message } = await refused();
    await elsewhere.stop();

    expect(final).to.equal(true);
    expect(message).to.include('307').and.to.include('not followed');
    expect(elsewhere.posted).to.deep.equal([]);
  });

  it('gives up where there is no answer', async () => {
    server.answer = () => {};

    expect((await refused({ timeoutMs: 50 })).message).to.include('no answer within 50 ms');
  });

  it('gives up where an answer never ends', async () => {
    server.answer = (response) => void response.writeHead(500).flushHeaders();

    expect((await refused({ timeoutMs: 50 })).message).to.include('no answer within 50 ms');
  });

  it('does not read more of an answer than its beginning', async () => {
    server.answer = (response) => {
      response.on('error', () => {});
      const write = (): void => void (response.destroyed || !response.write('x'.repeat(65_536)) || setImmediate(write));
      response.on('drain', write);
      response.writeHead(500);
      write();
    };

    expect((await refused()).message)
      .to.include('answered 500: xxx')
      .and.to.have.length.below(300);
  });

  it('gives up when it is told to', async () => {
    const abort = new AbortController();
    server.answer = () => abort.abort();

    expect(await refused({}, abort.signal)).to.include({ final: false });
  });

  it('says why where nobody listens, and never where it posts to', async () => {
    const { url, host } = server;
    await server.stop();

    const error = await refused({ url });
    await server.start();

    expect(error.message).to.include(`posting to ${host} failed`).and.to.include('ECONNREFUSED');
    expect(`${error.stack} ${JSON.stringify(error)} ${String(error.cause)}`).not.to.include('s3cret');
  });

  it('refuses what is no web address, without repeating it', () => {
    for (const url of ['', 'hooks.example.com/s3cret', 'file:///s3cret', 'javascript:s3cret']) {
      expect(() => new WebhookNotifier({ url }))
        .to.throw(InvalidOptionsError)
        .with.property('message')
        .not.include('s3cret');
    }
    expect(() => new WebhookNotifier({ url: server.url, timeoutMs: 0 })).to.throw(InvalidOptionsError);
  });

  it('refuses what could never be posted, without repeating what is secret', () => {
    const { host, url } = server;
    for (const options of [
      { url: `http://hook:s3cret@${host}/` },
      { url, headers: { authorization: 'Bearer s3cret\n x' } },
      { url, headers: { authorization: 'Bearer s3cret\u2028' } },
      { url, headers: { 'no name': 's3cret' } },
    ] as readonly WebhookOptions[]) {
      expect(() => new WebhookNotifier(options))
        .to.throw(InvalidOptionsError)
        .with.property('message')
        .not.include('s3cret');
    }
  });

  it('takes an answer of 2xx for taken, also where its text breaks off or never comes', async () => {
    server.answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.flushHeaders();
      setImmediate(() => response.destroy());
    };
    await notify();
    server.answer = (response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.flushHeaders();
    };
    await notify({ timeoutMs: 2_000 });

    expect(server.posted).to.have.length(2);
  });
});

describe('a message for Slack', () => {
  it('mentions nobody and hides no link, whatever a stream is called or an error says', () => {
    const { text } = slackMessage(anAlarm({ title: 'Lane at order-<!channel>', text: '<https://evil.example|invoice> & more' }));

    expect(text).not.to.match(/[<>]/);
    expect(text).to.include('order-&lt;!channel&gt;').and.to.include('&lt;https://evil.example|invoice&gt; &amp; more');
  });

  it('tells that it is over, and how often it was found meanwhile', () => {
    const { text } = slackMessage(anAlarm({ state: 'resolved', repeats: 12 }));

    expect(text).to.include(':white_check_mark:').and.to.include('found 12 more times');
  });

  it('is as long as Slack takes at most, and never ends inside an escaped sign', () => {
    for (let length = 3_900; length < 3_910; length++) {
      const { text } = slackMessage(anAlarm({ text: `${'x'.repeat(length)}${'<'.repeat(500)}` }));

      expect(text).to.have.length.most(4_000);
      expect(text)
        .to.include('_shop-1, since')
        .and.not.to.match(/&(?!lt;)/);
    }
  });
});
