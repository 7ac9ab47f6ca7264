import { expect } from 'chai';
import { Inbox, UnitOfWork } from '@waybill/core';
import type { Message } from '@waybill/core';
import { onEveryDatabase } from './databases.js';
import type { OpenDatabase, OpenedDatabase } from './databases.js';
import { orderEvents, OrderNoted } from '../shop/order.js';
import { orderMessage } from '../handlers/order-message.js';

const MESSAGES = 1_000;
const AT_ONCE = 8;
/** Messages whose deliveries are under way together. One after the other, most of the time is spent waiting to come again after a conflict. */
const SIDE_BY_SIDE = 16;

onEveryDatabase('a message that is delivered many times at once', <Tx>(open: OpenDatabase<Tx>) => {
  let shop: OpenedDatabase<Tx>;
  let inbox: Inbox<Tx>;

  before(async () => {
    shop = await open();
    inbox = new Inbox<Tx>({
      database: shop.database,
      unitOfWork: new UnitOfWork({ database: shop.database, catalogue: orderEvents }),
    });
  });
  after(() => shop?.close());

  const handle = (message: Message): Promise<'handled' | 'duplicate'> =>
    inbox.once(message, { handler: 'noting', source: 'race' }, ({ tx }) => shop.write(message.id, tx));

  it(`takes effect once each, ${AT_ONCE} deliveries at once of ${MESSAGES} messages`, async function () {
    this.timeout(120_000);
    const messages = Array.from({ length: MESSAGES }, () => orderMessage(OrderNoted({ text: 'hello' })));

    const wrong: string[] = [];
    const left = messages.values();
    const deliverNext = async (): Promise<void> => {
      for (const message of left) {
        const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => handle(message)));
        if (answers.filter((answer) => answer === 'handled').length !== 1) wrong.push(answers.join());
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, deliverNext));

    expect(wrong).to.deep.equal([]);
    expect(await shop.written()).to.deep.equal(messages.map(({ id }) => id).sort());
  });
});
