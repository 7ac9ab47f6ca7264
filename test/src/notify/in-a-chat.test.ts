import { expect } from 'chai';
import { Alarms, UnitOfWork, Watch } from '@waybill/core';
import { InMemoryDatabase, InMemorySink } from '@waybill/core/in-memory';
import { MailNotifier, WebhookNotifier } from '@waybill/notify';
import type { SlackMessage } from '@waybill/notify';
import { eventually } from '@waybill/testing';
import { aRunningDispatcher, QUICKLY, stopDispatchers } from '../shop/dispatching.js';
import { Order, orderEvents } from '../shop/order.js';
import { MailServer } from './mail-server.js';
import { WebhookServer } from './webhook-server.js';

describe('people', () => {
  let chat: WebhookServer;
  let mail: MailServer;

  beforeEach(async () => {
    [chat, mail] = [new WebhookServer(), new MailServer()];
    await chat.start();
    await mail.start();
  });
  afterEach(async () => {
    await chat.stop();
    await mail.stop();
  });
  stopDispatchers();

  const posted = (): readonly string[] => chat.posted.map(({ body }) => (body as SlackMessage).text);

  it('hear from a dispatcher that a lane halted, and that it goes on', async () => {
    const database = new InMemoryDatabase({ lanes: 1 });
    const sink = new InMemorySink();
    let refuses = true;
    sink.refuse(() => refuses);
    const unitOfWork = new UnitOfWork({ database, catalogue: orderEvents });
    const receipt = await unitOfWork.run(async ({ track }) => void track(Order.placed('7')));
    const dispatcher = await aRunningDispatcher({
      ...{ database, catalogue: orderEvents, notify: new WebhookNotifier({ url: chat.url }) },
      routes: { mails: { sink, start: 'beginning', retry: { ...QUICKLY, attempts: 2 } } },
    });

    await eventually('the alarm', async () => posted()[0]);
    refuses = false;
    await dispatcher.resume('mails');
    await dispatcher.delivered(receipt, 'mails');
    await dispatcher.stop();

    expect(posted()).to.have.length(2);
    expect(posted()[0]).to.include('Lane mails/0 halted at order-7@0').and.to.include("dispatcher.resume('mails', 0)");
    expect(posted()[1]).to.include('Over: Lane mails/0 halted at order-7@0');
  });

  it('hear from a process that only writes that nobody delivers, also where one way to them is down for a moment', async () => {
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

  it('hear in a chat of another kind, as that one wants it', async () => {
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
