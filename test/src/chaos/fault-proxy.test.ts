import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { eventually, isWaiting } from '@waybill/testing';
import { expect } from 'chai';
import { FaultProxy } from './fault-proxy.js';

describe('the fault proxy', () => {
  let server: Server;
  let proxy: FaultProxy;
  let client: Socket;
  let received: string[];

  /** Answers every word with itself in capitals. */
  beforeEach(async () => {
    received = [];
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        received.push(data.toString());
        socket.write(data.toString().toUpperCase());
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = await FaultProxy.before(`tcp://127.0.0.1:${(server.address() as AddressInfo).port}`);
    client = await connected();
  });
  afterEach(async () => {
    client.destroy();
    await proxy.close();
    server.close();
  });

  async function connected(): Promise<Socket> {
    const socket = connect(Number(new URL(proxy.url).port), '127.0.0.1');
    await once(socket, 'connect');
    socket.on('error', () => {});
    return socket;
  }
  async function ask(word: string): Promise<string> {
    const answer = Promise.race([once(client, 'data'), once(client, 'close').then(() => ['cut'])]);
    client.write(word);
    return String((await answer)[0]);
  }

  it('lets through what nobody stops', async () => {
    expect([await ask('one'), await ask('two')]).to.deep.equal(['ONE', 'TWO']);
  });

  for (const [request, reached] of [
    ['carried-out', ['one', 'two']],
    ['lost', ['one']],
  ] as const) {
    it(`cuts one connection at a request that is ${request}, once`, async () => {
      proxy.cutAt((bytes) => bytes.includes('two'), request);

      expect([await ask('one'), await ask('two')]).to.deep.equal(['ONE', 'cut']);

      expect(received).to.deep.equal(reached);
      expect(proxy.cuts).to.equal(1);
      client = await connected();
      expect(await ask('two')).to.equal('TWO');
    });
  }

  it('cuts what there is, and lets new connections through', async () => {
    await ask('one');
    const closed = once(client, 'close');

    proxy.cut();

    await closed;
    client = await connected();
    expect(await ask('two')).to.equal('TWO');
  });

  it('swallows everything while it is shut, and brings it afterwards', async () => {
    await ask('one');
    proxy.shut();
    const answer = ask('two');

    expect(await isWaiting(answer)).to.equal(true);
    proxy.open();

    expect(await answer).to.equal('TWO');
  });

  it('slows down, and keeps the order when it is quick again', async () => {
    proxy.delayMs = 200;
    const slow = ask('one');
    expect(await isWaiting(slow)).to.equal(true);

    proxy.delayMs = 0;
    client.write('two');
    await slow;

    await eventually('both', async () => received.join('') === 'onetwo' || undefined);
  });
});
