import { EventStoreDBClient } from '@eventstore/db-client';
import { expect } from 'chai';
import { anEvent } from './append-path.js';
import { newStream, serverUnderTest } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';

describe('EventStoreDB conformance: finding the server', () => {
  let server: ServerUnderTest;

  before(async () => {
    server = await serverUnderTest();
  });

  const appendThrough = async (url: string): Promise<unknown> => {
    const client = EventStoreDBClient.connectionString(url);
    try {
      return await client.appendToStream(newStream(), anEvent());
    } finally {
      await client.dispose();
    }
  };

  it('lists what it supports', async () => {
    const capabilities = await server.client['capabilities'];
    const supports = (method: string, feature?: string): boolean =>
      capabilities.supports({ path: `/event_store.client.streams.Streams/${method}` } as never, feature);

    expect(['Read', 'Append', 'BatchAppend', 'Delete', 'Tombstone'].map((method) => supports(method))).to.deep.equal(Array(5).fill(true));
    expect([supports('BatchAppend', 'deadline_duration'), supports('Read', 'position'), supports('Read', 'events')]).to.deep.equal([
      true,
      true,
      true,
    ]);
    expect(capabilities.serverVersion).to.match(/^\d+\.\d+\.\d+/);
  });

  it('lists persistent subscriptions to streams and to $all', async () => {
    const capabilities = await server.client['capabilities'];
    const supports = (method: string, feature: string): boolean =>
      capabilities.supports({ path: `/event_store.client.persistent_subscriptions.PersistentSubscriptions/${method}` } as never, feature);
    const methods = ['Create', 'Update', 'Delete', 'Read', 'GetInfo', 'ReplayParked', 'List', 'RestartSubsystem'];

    for (const feature of ['stream', 'all']) expect(methods.filter((method) => !supports(method, feature))).to.deep.equal([]);
  });

  it('is found through gossip, alone and among others', async () => {
    const { host } = new URL(server.url.replace('esdb:', 'http:'));

    expect(await appendThrough(`esdb+discover://${host}?tls=false`)).to.include({ success: true });
    expect(await appendThrough(`esdb://${host},127.0.0.1:1?tls=false`)).to.include({ success: true });
  });
});
