import { expect } from 'chai';
import { Alarms, UnitOfWork, Watch } from '@waybill/core';
import { InMemoryDatabase } from '@waybill/core/in-memory';
import { MailNotifier, WebhookNotifier } from '@waybill/notify';
import { eventually } from '@waybill/testing';
import { Order, orderEvents } from '../shop/order.js';
import { MailServer } from './mail-server.js';
import { WebhookServer } from './webhook-server.js';

describe('a process that only writes', () => {
  const [chat, mail] = [new WebhookServer(), new MailServer()];

  beforeEach(async () => {
    await chat.start();
    await mail.start();
  });
  afterEach(async () => {
    await chat.stop();
    await mail.stop();
  });

  it('tells people in a chat and by mail that nobody delivers, while one of the two is down for a moment', async () => {
    const database = new InMemoryDatabase();
    await database.routes.save({ name: 'mails', order: 'stream', selection: {}, start: 'beginning' });
    await new UnitOfWork({ database, catalogue: orderEvents }).run(async ({ track }) => void track(Order.placed('7')));
    const [chatUrl, mailServer] = [chat.url, mail.url];
    let down = true;
    chat.answer = (response) => void response.writeHead(down ? 503 : 200).end(() => (down = false));

    // #region watch
    const notifiers = [
      new WebhookNotifier({ url: chatUrl }),
      new MailNotifier({ transport: mailServer, from: 'shop@example.com', to: 'on-call@example.com' }),
    ];
    const alarms = new Alarms({ notifiers, instance: 'shop-web' });
    const watch = new Watch({ database, alarms, graceMs: 100, everyMs: 50 });
    watch.start();
    // #endregion

    await eventually('a mail', async () => mail.mails[0]);
    await eventually('a second try', async () => chat.posted[1]);
    // #region stop
    await watch.stop();
    await alarms.stop(); // sends what still waits, for five seconds at most
    // #endregion
    expect(mail.mails).to.have.length(1);
    expect(mail.mails[0]!.raw).to.include('Nobody delivers route mails (waiting: 1 message)');
    expect(chat.posted).to.have.length(2);
    expect(chat.posted[1]!.body).to.deep.equal(chat.posted[0]!.body);
  });

  it('posts to a chat of another kind as that one wants it', async () => {
    const chatUrl = chat.url;

    // #region body
    const discord = new WebhookNotifier({
      url: chatUrl,
      body: ({ title, text }) => ({ content: `**${title}**\n${text}`.slice(0, 2_000), allowed_mentions: { parse: [] } }),
    });
    // #endregion
    const alarms = new Alarms({ notifiers: [discord] });
    alarms.raise({ kind: 'stuck', key: 'stuck/mails/0', since: new Date(), title: 'Lane mails/0 is held', text: 'Look.' });
    await alarms.stop();

    expect(chat.posted[0]!.body).to.deep.equal({ content: '**Lane mails/0 is held**\nLook.', allowed_mentions: { parse: [] } });
  });
});
