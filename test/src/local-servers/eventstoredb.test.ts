import { startEventStoreDB } from '@waybill/local-servers';
import { expect } from 'chai';
import { killedAfterStarting, until } from './killed-after-starting.js';
import { takesConnections } from './takes-connections.js';

describe('a local EventStoreDB', () => {
  it('is an emulator in a process of its own, gone when it is stopped', async () => {
    const server = await startEventStoreDB();
    const whileUp = await answers(server.url);

    await server.stop();

    expect([whileUp, await answers(server.url)]).to.deep.equal([true, false]);
    expect(server.description).to.match(/^the EventStoreDB emulator, at 127\.0\.0\.1:\d+$/);
  });

  it('is gone when its process is killed', async () => {
    const url = await killedAfterStarting('eventstoredb', async (address) => address);

    await until(async () => !(await answers(url)));
  });

  it('is the server that a URL names, where one does, and is left alone', async () => {
    const server = await startEventStoreDB();
    const guest = await startEventStoreDB({ url: server.url });

    await guest.stop();

    expect([guest.url, await answers(server.url)]).to.deep.equal([server.url, true]);
    await server.stop();
  });
});

function answers(url: string): Promise<boolean> {
  const { hostname, port } = new URL(url);
  return takesConnections(Number(port), hostname);
}
