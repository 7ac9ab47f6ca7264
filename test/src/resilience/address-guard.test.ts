import type { LookupFunction } from 'node:net';
import { expect } from 'chai';
import { Policy } from '@waybill/resilience';
import { answering, redirecting } from '../http/servers/answers.js';
import { HostileServer } from '../http/servers/hostile-server.js';
import { failureOf } from '../shop/failure-of.js';

describe('a policy for public addresses only', () => {
  let server: HostileServer;
  const policies: Policy[] = [];

  beforeEach(async () => (server = await HostileServer.start(answering())));
  afterEach(async () => {
    await Promise.all(policies.splice(0).map((policy) => policy.close()));
    await server.close();
  });

  const refusal = async (url: string, lookup?: LookupFunction): Promise<string> => {
    const policy = new Policy({
      name: 'hook',
      publicOnly: true,
      retry: { most: 0 },
      limits: { connectMs: 300 },
      ...(lookup && { lookup }),
    });
    policies.push(policy);
    const { message } = await failureOf('TARGET_UNAVAILABLE', () => policy.request({ url, key: 'k' }));
    return message;
  };
  /** A resolver for which every name is these addresses. */
  const answers =
    (...addresses: readonly string[]): LookupFunction =>
    (_host, options, callback) => {
      const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      if (options.all) callback(null, found);
      else callback(null, found[0]!.address, found[0]!.family);
    };

  const notPublic = [
    '127.0.0.1',
    '127.1',
    '2130706433',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '0.0.0.0',
    '0',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '198.18.0.1',
    '203.0.113.7',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '[::]',
    '[::1]',
    '[::127.0.0.1]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::ffff:a00:1]',
    '[64:ff9b::7f00:1]',
    '[64:ff9b:1::1]',
    '[2002:7f00:1::]',
    '[2001::1]',
    '[2001:db8::1]',
    '[fe80::1]',
    '[fec0::1]',
    '[fc00::1]',
    '[fd00:ec2::254]',
    '[ff02::1]',
    '[4000::1]',
  ];
  for (const host of notPublic) {
    it(`does not connect to ${host}`, async () => {
      expect(await refusal(`http://${host}:${server.port}/`)).to.contain('no address of the public internet');
      expect(server.connections).to.equal(0);
    });
  }

  it('does not connect to the machine by its name', async () => {
    expect(await refusal(`http://localhost:${server.port}/`)).to.contain('no address of the public internet');
  });

  for (const address of ['127.0.0.1', '10.1.2.3', '::1', '::ffff:127.0.0.1', 'fd00::1']) {
    it(`does not connect to a public name that means ${address}`, async () => {
      const message = await refusal(`http://hooks.example:${server.port}/`, answers(address));

      expect(message).to.contain('hooks.example is').and.to.contain('no address of the public internet');
      expect(server.connections).to.equal(0);
    });
  }

  it('does not connect to a name of which one address is public and another is not', async () => {
    expect(await refusal('http://hooks.example/', answers('93.184.216.34', '127.0.0.1'))).to.contain('127.0.0.1');
  });

  it('looks a name up once for each connection: what is looked at is what is connected to', async () => {
    let lookups = 0;
    const rebinding: LookupFunction = (host, options, callback) =>
      answers(lookups++ === 0 ? '93.184.216.34' : '127.0.0.1')(host, options, callback);

    await refusal(`http://hooks.example:${server.port}/`, rebinding); // there is nobody at the public address, from here

    expect(lookups).to.equal(1);
    expect(server.connections).to.equal(0);
  });

  it('does not refuse public addresses', async () => {
    for (const host of ['93.184.216.34', '[2606:4700::1111]', '[::ffff:93.184.216.34]']) {
      expect(await refusal(`http://${host}:${server.port}/`)).not.to.contain('no address of the public internet');
    }
  });

  it('does not follow a redirect to a private address', async () => {
    // The first is reached by a name that means loopback: the guard is told to look the other way, once.
    const target = server.url;
    const front = await HostileServer.start(redirecting(target));
    const policy = new Policy({ name: 'hook', retry: { most: 0 }, lookup: answers('127.0.0.1') });
    policies.push(policy);
    expect(await policy.request({ url: `http://front.example:${front.port}/`, key: 'k', redirects: 1 })).to.include({ status: 200 });
    expect(server.requests).to.have.length(1);
    await front.close();
  });

  it('leaves all addresses alone where it was not asked for', async () => {
    const policy = new Policy({ name: 'hook' });
    policies.push(policy);

    expect(await policy.request({ url: server.url, key: 'k' })).to.include({ status: 200 });
  });
});
