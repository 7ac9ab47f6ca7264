import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { HttpReceiver } from '@waybill/http';
import type { HttpReceiverOptions, Problem } from '@waybill/http';
import { eventually, gate, SETTLE_MS } from '@waybill/testing';
import { DOORS } from './doors.js';
import type { Door } from './doors.js';
import { NotingIntake } from './noting-intake.js';
import { RawClient } from './raw-client.js';
import { anEvent, batch, binary, SECRET, signed, structured } from './sender.js';
import type { Sent } from './sender.js';

for (const [name, open] of Object.entries(DOORS)) {
  describe(`a receiver in ${name}`, () => {
    let intake: NotingIntake;
    let door: Door | undefined;
    let clients: RawClient[];

    beforeEach(() => {
      intake = new NotingIntake();
      clients = [];
    });
    afterEach(async () => {
      for (const client of clients) client.hangUp();
      await door?.close();
      door = undefined;
    });

    const start = async (options: Partial<HttpReceiverOptions> = {}): Promise<Door> =>
      (door = await open(new HttpReceiver({ intake, secrets: SECRET, modes: ['structured', 'binary', 'batch'], ...options })));
    const post = ({ headers, body }: Sent, at = door!): Promise<Response> => fetch(at.url, { method: 'POST', headers, body });
    const client = ({ port }: Door): RawClient => {
      const made = new RawClient(port);
      clients.push(made);
      return made;
    };
    const problemIn = async (response: Response): Promise<string> => {
      expect(response.headers.get('content-type')).to.equal('application/problem+json');
      const { status, type } = (await response.json()) as Problem;
      expect(status).to.equal(response.status);
      return type.replace('urn:waybill:problem:', '');
    };
    const typed = { 'content-type': 'application/cloudevents+json' };

    it('takes what the SDK lays out and standardwebhooks signs, in every mode', async () => {
      await start();

      const answers = await Promise.all([structured(), binary(), batch([anEvent(), anEvent()])].map((sent) => post(signed(sent))));

      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 200]);
      expect(await Promise.all(answers.map((answer) => answer.json()))).to.deep.equal([
        { outcome: 'handled' },
        { outcome: 'handled' },
        { outcome: 'handled', accepted: 2 },
      ]);
      expect(intake.taken).to.have.length(4);
    });

    it('checks the body as it came, with all its white space', async () => {
      await start();
      const event = structured();

      const answer = await post(signed({ ...event, body: ` \r\n${event.body.replaceAll(',', ' ,\n')}\t` }));

      expect(answer.status).to.equal(200);
    });

    it('refuses what is forged, of a wrong form, or malformed', async () => {
      await start();

      const answers = [
        await post(signed(structured(), { secrets: ['c2VjcmV0'] })),
        await post({ ...signed(structured()), headers: { 'content-type': 'text/plain' } }),
        await post(signed({ ...structured(), body: '{' })),
      ];

      expect(await Promise.all(answers.map(problemIn))).to.deep.equal(['forged', 'unsupported-media-type', 'malformed']);
      expect(intake.taken).to.deep.equal([]);
    });

    it('refuses bodies that are compressed', async () => {
      const { url } = await start();
      const { headers, body } = signed(structured());

      const answer = await fetch(url, { method: 'POST', headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(body) });

      expect([answer.status, answer.headers.get('accept-encoding')]).to.deep.equal([415, 'identity']);
    });

    for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
      it(`answers ${method} with 405`, async () => {
        const { url } = await start();

        const answer = await fetch(url, { method });

        expect([answer.status, answer.headers.get('allow')]).to.deep.equal([405, 'POST']);
        expect((await answer.text()) === '').to.equal(method === 'HEAD');
      });
    }

    it('refuses a body by its length, before any of it was sent', async () => {
      const raw = client(await start());

      raw.post({ ...typed, 'content-length': 1_048_577 });

      expect(await raw.answered()).to.match(/^HTTP\/1.1 413 /);
    });

    it('answers whoever sends a body that is too large, instead of cutting the connection', async () => {
      const raw = client(await start({ maxBodyBytes: 1_000 }));
      const bytes = 8_000_000;

      await raw.post({ ...typed, 'content-length': bytes }).writeBeforeReading('x'.repeat(bytes));

      expect(await raw.answered())
        .to.match(/^HTTP\/1.1 413 /)
        .and.contain('oversized');
    });

    it('reads no more than it may of a body without end', async () => {
      const raw = client(await start({ maxBodyBytes: 10_000 }));

      raw.post({ ...typed, 'transfer-encoding': 'chunked' });
      const writing = raw.writeWithoutEnd('x'.repeat(8_192));

      expect(await raw.answered()).to.match(/^HTTP\/1.1 413 /);
      await writing; // ends with the connection
    });

    it('waits for a body no longer than it says', async () => {
      const raw = client(await start({ bodyWithinMs: 50 }));

      raw.post({ ...typed, 'content-length': 1_000 }).write('{"id":');

      expect(await raw.answered())
        .to.match(/^HTTP\/1.1 408 /)
        .and.contain('too-slow');
    });

    it('takes nothing of a client that hangs up before its body is whole, and keeps no place for it', async () => {
      const at = await start({ limits: { concurrency: 1 } });
      const raw = client(at)
        .post({ ...typed, 'content-length': 1_000 })
        .write('{"id":');
      await eventually('a full house', async () => ((await post(signed(structured()))).status === 429 ? true : undefined));

      raw.hangUp();

      await eventually('a free place', async () => ((await post(signed(structured()))).status === 200 ? true : undefined));
    });

    it('takes nothing of a body that is longer than it said', async () => {
      const at = await start();
      const { headers, body } = signed(structured());
      const raw = client(at);

      raw.post({ ...headers, 'content-length': body.length - 1 }).write(body);

      // The server's parser takes the rest for another request, and may well be first to answer.
      expect(await raw.whenEnded()).to.not.contain(' 200 ');
      expect(intake.taken).to.deep.equal([]);
    });

    it('answers 429 at once when it has as much to do as it can, and does not read the body', async () => {
      const at = await start({ limits: { concurrency: 2 } });
      const mayEnd = gate();
      intake.before = () => mayEnd.opened;
      const atWork = [post(signed(structured())), post(signed(structured()))];
      await eventually('a full house', async () => ((await post(signed(structured()))).status === 429 ? true : undefined));

      const raw = client(at).post({ ...typed, 'content-length': 1_000 });

      expect(await raw.answered())
        .to.match(/^HTTP\/1.1 429 /)
        .and.match(/retry-after: 1\r\n/i);
      mayEnd.open();
      expect((await Promise.all(atWork)).map(({ status }) => status)).to.deep.equal([200, 200]);
      expect((await post(signed(structured()))).status).to.equal(200);
    });

    it('answers 429 to what comes faster than it may, and says when to come back', async () => {
      await start({ limits: { rate: { limit: 2, perMs: 600_000 } } });

      const answers = [await post(signed(structured())), await post(signed(structured())), await post(signed(structured()))];

      expect(answers.map(({ status }) => status)).to.deep.equal([200, 200, 429]);
      expect(Number(answers[2]!.headers.get('retry-after'))).to.be.within(290, 300);
    });

    it('tells the handler when its client has hung up', async () => {
      const at = await start();
      const begun = gate();
      let stop: AbortSignal | undefined;
      intake.before = (_message, { signal }) => {
        stop = signal;
        begun.open();
        return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('nobody waits'))));
      };
      const { headers, body } = signed(structured());
      const raw = client(at)
        .post({ ...headers, 'content-length': body.length })
        .write(body);
      await begun.opened;
      expect(stop!.aborted).to.equal(false);

      raw.hangUp();

      await eventually('the signal', async () => (stop!.aborted ? true : undefined));
      expect(intake.taken).to.deep.equal([]);
    });

    it('does not take the end of an answered request for a client that hung up', async () => {
      await start();
      let stop: AbortSignal | undefined;
      intake.before = (_message, { signal }) => void (stop = signal);

      await (await post(signed(structured()))).text();
      await sleep(SETTLE_MS);

      expect(stop!.aborted).to.equal(false);
    });

    it('does not wait longer for an answer than it says', async () => {
      await start({ answerWithinMs: 50 });
      intake.before = () => new Promise(() => {});

      const answer = await post(signed(structured()));

      expect([answer.status, answer.headers.get('retry-after')]).to.deep.equal([503, '1']);
    });
  });
}
