import type { Document } from 'bson';
import { expect } from 'chai';
import { encodeMessage, FLAGS } from '../conformance/mongodb/op-msg.js';
import { RawConnection } from '../conformance/mongodb/raw-connection.js';
import { Emulated, failureOf } from './server-fixture.js';

describe('MongoDB emulator: the wire', () => {
  let emulated: Emulated;
  let connection: RawConnection;

  beforeEach(async () => {
    emulated = await Emulated.start();
    connection = await RawConnection.open(emulated.emulator.url);
  });

  afterEach(async () => {
    await connection.close();
    await emulated.close();
  });

  it('answers what is sent ahead in its order, each answer naming its request', async () => {
    await emulated.failPoint('failCommand', { times: 1 }, { failCommands: ['ping'], blockConnection: true, blockTimeMS: 50 });
    const answered: string[] = [];

    const answers = ['ping', 'buildInfo', 'whatsmyuri'].map(async (command) => {
      const answer = await connection.run('admin', { [command]: 1 });
      answered.push(command);
      return answer;
    });
    const [ping, buildInfo, uri] = await Promise.all(answers);

    expect(answered).to.deep.equal(['ping', 'buildInfo', 'whatsmyuri']);
    expect(ping).to.include({ ok: 1 });
    expect(buildInfo).to.include.keys('version');
    expect(uri).to.include.keys('you');
  });

  it('takes a message in pieces, and several in one piece', async () => {
    const ping = (requestId: number): Buffer => encodeMessage({ requestId, document: { ping: 1, $db: 'admin' } });
    const bytes = Buffer.concat([ping(101), ping(102)]);

    for (const byte of bytes) connection.sendBytes(Buffer.of(byte));
    const split = [await connection.unasked(), await connection.unasked()];
    connection.sendBytes(bytes);
    const together = [await connection.unasked(), await connection.unasked()];

    expect([...split, ...together].map(({ responseTo }) => responseTo)).to.deep.equal([101, 102, 101, 102]);
  });

  it('executes a command that wants no answer, and gives none', async () => {
    connection.send('test', { insert: 'c', documents: [{ _id: 1 }] }, { moreToCome: true });
    const answer = await connection.run('test', { count: 'c' });

    expect(answer).to.include({ n: 1, ok: 1 });
  });

  it('pushes hello after hello to a monitor that takes them, each at a change or when the time is over', async () => {
    const { topologyVersion } = (await connection.run('admin', { hello: 1 })) as { topologyVersion: Document };
    const command = { hello: 1, topologyVersion, maxAwaitTimeMS: 100 };

    const request = connection.send('admin', command, { exhaustAllowed: true });
    const first = await connection.unasked();
    void emulated.emulator.stepDown(10);
    const second = await connection.unasked();
    const third = await connection.unasked();

    expect(first).to.include({ responseTo: request, flags: FLAGS.moreToCome });
    expect(second).to.include({ responseTo: first.requestId, flags: FLAGS.moreToCome });
    expect([first, second, third].map(({ document }) => document['isWritablePrimary'] as boolean)).to.deep.equal([true, false, true]);
  });

  it('refuses a checksum, and goes on', async () => {
    connection.sendBytes(encodeMessage({ requestId: 7, flags: FLAGS.checksumPresent, document: { ping: 1, $db: 'admin' } }));

    const { document } = await connection.unasked();

    expect(document).to.include({ ok: 0, code: 115 });
    expect(document['errmsg']).to.include('checksum');
    expect(await connection.run('admin', { ping: 1 })).to.include({ ok: 1 });
  });

  it('refuses legacy queries but the handshake', async () => {
    expect(await connection.legacyHello({ find: 'c' })).to.include({ ok: 0, code: 352, codeName: 'UnsupportedOpQueryCommand' });
    expect(await connection.legacyHello({ hello: 1 })).to.include({ ok: 1, isWritablePrimary: true });
  });

  it('hangs up on what is no message: too long, too short, of an unknown kind, with unknown flags', async () => {
    const messages = [
      int32s(48_000_001, 1, 0, 2013),
      int32s(15, 1, 0, 2013),
      int32s(16, 1, 0, 2002),
      encodeMessage({ requestId: 1, flags: 4, document: { ping: 1, $db: 'admin' } }),
    ];

    for (const message of messages) {
      const other = await RawConnection.open(emulated.emulator.url);
      other.sendBytes(message);
      const failure = await failureOf(other.unasked());
      expect(failure.message).to.match(/closed|ECONNRESET/);
    }
  });
});

function int32s(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => bytes.writeInt32LE(value, index * 4));
  return bytes;
}
