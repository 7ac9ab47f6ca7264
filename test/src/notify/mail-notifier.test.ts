import { expect } from 'chai';
import { InvalidOptionsError } from '@waybill/core';
import type { Alarm } from '@waybill/core';
import { MailNotifier } from '@waybill/notify';
import type { MailOptions } from '@waybill/notify';
import { createTransport } from 'nodemailer';
import { failureOf } from '../shop/failure-of.js';
import { aFinding } from './mailbox.js';
import { MailServer } from './mail-server.js';

const anAlarm = (overrides: Partial<Alarm> = {}): Alarm => ({
  ...aFinding({ text: 'Message m-1 was not accepted.\nMend the cause.' }),
  ...{ state: 'raised', instance: 'shop-1', repeats: 0 },
  ...overrides,
});

describe('a mail notifier', () => {
  let server: MailServer;

  beforeEach(async () => {
    server = new MailServer();
    await server.start();
  });
  afterEach(() => server.stop());

  const notifier = (options: Partial<MailOptions> = {}): MailNotifier =>
    new MailNotifier({ transport: server.url, from: 'shop@example.com', to: 'ops@example.com', ...options });

  it('sends a mail of plain text that says what, where and what next', async () => {
    await notifier().notify(anAlarm({ repeats: 3 }));

    const [{ from, to, raw }] = server.mails as [(typeof server.mails)[number]];
    const [head = '', text = ''] = raw.split('\r\n\r\n', 1).concat(raw.slice(raw.indexOf('\r\n\r\n') + 4));
    expect({ from, to }).to.deep.equal({ from: 'shop@example.com', to: ['ops@example.com'] });
    expect(head.split('\r\n')).to.include.members([
      'Subject: [waybill] Lane orders/3 halted at order-7@12',
      'Content-Type: text/plain; charset=utf-8',
      'Auto-Submitted: auto-generated',
      'X-Waybill-Alarm: lane-halted/orders/3',
    ]);
    expect(text.trimEnd().split('\r\n')).to.deep.equal([
      'Message m-1 was not accepted.',
      'Mend the cause.',
      '',
      'Found 3 more times since it was told last.',
      'Since 2025-01-01T00:00:00.000Z, told by shop-1.',
      'Key: lane-halted/orders/3',
    ]);
  });

  it('sends to several, with a prefix of its own', async () => {
    const to = ['ops@example.com', 'on-call@example.com'];

    await notifier({ to, subjectPrefix: '[shop, production]' }).notify(anAlarm());

    expect(server.mails[0]!.to).to.deep.equal(to);
    expect(server.mails[0]!.raw).to.include('Subject: [shop, production] Lane');
  });

  it("takes a transporter or nodemailer's options as well as an address", async () => {
    const options = { host: '127.0.0.1', port: server.port };

    for (const transport of [options, createTransport(options)]) await notifier({ transport }).notify(anAlarm());

    expect(server.mails).to.have.length(2);
  });

  it('lets no name begin another header', async () => {
    const evil = 'Lane\r\nBcc: everybody@example.com\r\n\r\nat order-7';

    await notifier().notify(anAlarm({ title: evil, key: evil }));

    expect(server.mails[0]!.to).to.deep.equal(['ops@example.com']);
    expect(server.mails[0]!.raw).not.to.match(/^Bcc:/m);
    expect(server.mails[0]!.raw.replace(/\r\n /g, ' ')).to.include('Subject: [waybill] Lane Bcc: everybody@example.com at order-7');
  });

  it('fails where the server refuses for now, and may be tried again', async () => {
    server.refuseWith = 451;

    const { message, final } = await failureOf('NOTIFICATION_FAILED', () => notifier().notify(anAlarm()));

    expect(final).to.equal(false);
    expect(message).to.include('not today');
  });

  it('fails for good where the server refuses for good', async () => {
    server.refuseWith = 554;

    const { final } = await failureOf('NOTIFICATION_FAILED', () => notifier().notify(anAlarm()));

    expect(final).to.equal(true);
  });

  it('gives up where the server does not answer', async () => {
    server.hangs = true;
    const transport = { host: '127.0.0.1', port: server.port, socketTimeout: 100 };

    const { final } = await failureOf('NOTIFICATION_FAILED', () => notifier({ transport }).notify(anAlarm()));

    expect(final).to.equal(false);
  });

  it('fails where nobody listens, without telling the password', async () => {
    const { port } = server;
    await server.stop();

    const transport = `smtp://shop:s3cret@127.0.0.1:${port}`;
    const error = await failureOf('NOTIFICATION_FAILED', () => notifier({ transport }).notify(anAlarm()));
    await server.start();

    expect(error.message).to.include('ECONNREFUSED');
    expect(`${error.stack} ${JSON.stringify(error)}`).not.to.include('s3cret');
  });

  it('refuses to be made for nobody', () => {
    expect(() => notifier({ to: [] })).to.throw(InvalidOptionsError);
    expect(() => notifier({ to: '' })).to.throw(InvalidOptionsError);
    expect(() => notifier({ from: ' ' })).to.throw(InvalidOptionsError);
  });
});
