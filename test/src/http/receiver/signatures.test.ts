import { expect } from 'chai';
import { HttpReceiver } from '@waybill/http';
import type { HttpReceiverOptions, HttpReply } from '@waybill/http';
import { ManualClock } from '../../shop/manual-clock.js';
import { NotingIntake } from './noting-intake.js';
import { anEvent, aSecret, batch, binary, received, SECRET, signed, slugOf, structured } from './sender.js';
import type { Sent } from './sender.js';

describe('a signature', () => {
  const clock = new ManualClock();
  let intake: NotingIntake;

  beforeEach(() => (intake = new NotingIntake()));

  const handle = (sent: Sent, options: Partial<HttpReceiverOptions> = {}): Promise<HttpReply> => {
    const receiver = new HttpReceiver({ intake, secrets: SECRET, modes: ['structured', 'binary', 'batch'], clock, ...options });
    return receiver.handle(received(sent));
  };
  const at = (ms: number): Date => new Date(clock.now().getTime() + ms);
  const sign = (sent: Sent, signing: Parameters<typeof signed>[1] = {}): Sent => signed(sent, { at: clock.now(), ...signing });
  const refused = async (sent: Sent, options?: Partial<HttpReceiverOptions>): Promise<string> => {
    const reply = await handle(sent, options);
    expect(reply.status).to.equal(401);
    expect(intake.taken).to.deep.equal([]);
    return slugOf(reply);
  };
  const withHeader = (sent: Sent, name: string, value: string | undefined): Sent => {
    const { [name]: _left, ...headers } = sent.headers;
    return { ...sent, headers: value === undefined ? headers : { ...headers, [name]: value } };
  };

  for (const [mode, sent] of [
    ['structured', structured()],
    ['binary', binary()],
    ['batch', batch([anEvent(), anEvent()])],
  ] as const) {
    it(`that standardwebhooks made is good for what the SDK laid out in ${mode} mode`, async () => {
      expect(await handle(sign(sent))).to.have.property('status', 200);
    });

    it(`is missed in ${mode} mode`, async () => {
      expect(await refused(sent)).to.equal('forged');
    });

    it(`is good for one body alone in ${mode} mode`, async () => {
      const { headers, body } = sign(sent);

      expect(await refused({ headers, body: body.replace('c-1', 'c-2') })).to.equal('forged');
    });
  }

  it('made with another secret is no good', async () => {
    expect(await refused(sign(structured(), { secrets: [aSecret()] }))).to.equal('forged');
  });

  it('may be one of several while a sender changes its secret', async () => {
    const [old, current] = [aSecret(), aSecret()];

    const statuses = [
      await handle(sign(structured(), { secrets: [old] }), { secrets: [old, current] }),
      await handle(sign(structured(), { secrets: [current] }), { secrets: [old, current] }),
      await handle(sign(structured(), { secrets: [old, current] }), { secrets: [current] }),
      await handle(sign(structured(), { secrets: [old] }), { secrets: [current] }),
    ].map(({ status }) => status);

    expect(statuses).to.deep.equal([200, 200, 200, 401]);
  });

  for (const name of ['webhook-id', 'webhook-timestamp', 'webhook-signature']) {
    it(`is missed where ${name} is missing or empty`, async () => {
      const sent = sign(structured());

      expect(await refused(withHeader(sent, name, undefined))).to.equal('forged');
      expect(await refused(withHeader(sent, name, ''))).to.equal('forged');
    });
  }

  it('is of the id and the time as well', async () => {
    const sent = sign(structured());

    expect(await refused(withHeader(sent, 'webhook-id', 'another'))).to.equal('forged');
    expect(await refused(withHeader(sent, 'webhook-timestamp', String(at(1_000).getTime() / 1_000)))).to.equal('forged');
  });

  for (const timestamp of ['now', '1e9', '-1', '1735689600.5', '9'.repeat(30)]) {
    it(`with the time ${timestamp} is no good`, async () => {
      expect(await refused(withHeader(sign(structured()), 'webhook-timestamp', timestamp))).to.equal('forged');
    });
  }

  for (const signature of ['v1', 'v1,', 'v1a,c2lnbmF0dXJl', ', , ,', `v1,${'A'.repeat(43)}=`, `v1,${'é'.repeat(44)}`]) {
    it(`such as ${signature} is no good`, async () => {
      expect(await refused(withHeader(sign(structured()), 'webhook-signature', signature))).to.equal('forged');
    });
  }

  it('is stale after five minutes, and before they begin', async () => {
    expect((await handle(sign(structured(), { at: at(-300_000) }))).status).to.equal(200);
    expect((await handle(sign(structured(), { at: at(300_000) }))).status).to.equal(200);
    intake.taken.length = 0;

    expect(await refused(sign(structured(), { at: at(-301_000) }))).to.equal('stale');
    expect(await refused(sign(structured(), { at: at(301_000) }))).to.equal('stale');
  });

  it('is as long good as the receiver says', async () => {
    expect((await handle(sign(structured(), { at: at(-3_600_000) }), { maxAgeMs: 3_600_000 })).status).to.equal(200);
    intake.taken.length = 0;

    expect(await refused(sign(structured(), { at: at(-11_000) }), { maxAgeMs: 10_000 })).to.equal('stale');
  });

  it('that somebody caught and sends again does nothing: first it is a duplicate, then stale', async () => {
    const caught = sign(structured());
    const receiver = new HttpReceiver({ intake, secrets: SECRET, clock });

    const first = await receiver.handle(received(caught));
    const again = await receiver.handle(received(caught));
    await clock.pass(301_000);
    const later = await receiver.handle(received(caught));

    expect([first.body, again.body, slugOf(later)]).to.deep.equal(['{"outcome":"handled"}', '{"outcome":"duplicate"}', 'stale']);
    expect(intake.taken).to.have.length(1);
  });

  it('of one message is no good for another in binary mode', async () => {
    const sent = sign(binary());

    expect(await refused(withHeader(sent, 'ce-id', anEvent().id))).to.equal('forged');
  });

  it('is checked before the body is parsed', async () => {
    const broken = { ...structured(), body: '{"id":' };

    expect(await refused(sign(broken, { secrets: [aSecret()] }))).to.equal('forged');
    expect(slugOf(await handle(sign(broken)))).to.equal('malformed');
  });

  it('is not told in any answer, nor is the secret', async () => {
    const sent = sign(structured());
    const expected = sent.headers['webhook-signature']!.slice('v1,'.length);

    const { body, headers } = await handle(withHeader(sent, 'webhook-signature', 'v1,AAAA'));

    expect(body + JSON.stringify(headers))
      .to.not.contain(expected)
      .and.not.contain(SECRET.slice('whsec_'.length));
  });
});
