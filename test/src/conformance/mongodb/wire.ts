import type { Document, ObjectId } from 'bson';
import {
  Binary,
  BSONRegExp,
  calculateObjectSize,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId as Id,
  Timestamp,
  UUID,
} from 'bson';
import { expect } from 'chai';
import { after, before, beforeEach, describe, it } from 'mocha';
import { find, insert } from './commands.js';
import { encodeMessage, FLAGS, OP_MSG, OP_REPLY } from './op-msg.js';
import { documentsOf, failureOf, succeeded } from './replies.js';
import type { RawConnection } from './raw-connection.js';
import type { Servers, ServerUnderTest } from './server-under-test.js';
import { settled, stillWaits } from './settled.js';
import type { TestDatabase } from './test-database.js';

export function wire({ open, itOnEmulator }: Servers): void {
  describe('the protocol', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;
    let connection: RawConnection;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(async () => {
      db = server.database();
      connection = await server.connection();
    });

    it('answers a legacy hello with a legacy reply', async () => {
      const { opCode, flags, document } = await connection.legacyQuery({ ismaster: 1, helloOk: true });

      expect([opCode, flags]).to.deep.equal([OP_REPLY, 8]);
      expect(document).to.include({ ok: 1, ismaster: true, helloOk: true });
    });

    it('refuses any other legacy query: 352', async () => {
      const { document } = await connection.legacyQuery({ find: 'c', $db: 'admin' });

      expect(document).to.include({ ok: 0, code: 352 });
    });

    it('answers a message with a message that names it', async () => {
      const { opCode, flags, responseTo } = await connection.exchange(db.name, { ping: 1 });

      expect([opCode, flags]).to.deep.equal([OP_MSG, 0]);
      expect(responseTo).to.be.above(0);
    });

    it('takes arrays as sections of their own', async () => {
      const sequences = { documents: [{ _id: 1 }, { _id: 2 }, { _id: 3 }] };

      const reply = await connection.run(db.name, { insert: 'c', ordered: true }, { sequences });

      expect(succeeded(reply)).to.include({ n: 3 });
      expect(await db.all('c')).to.have.length(3);
    });

    it('carries out what wants no answer, and answers nothing', async () => {
      connection.send(db.name, insert('c', [{ _id: 1 }], { writeConcern: { w: 0 } }), { moreToCome: true });

      const { n } = succeeded(await connection.run(db.name, { count: 'c' }));

      expect(n).to.equal(1);
      expect(await stillWaits(connection.unasked())).to.equal(true);
    });

    it('carries out what one connection sends in its order, and answers in its order', async () => {
      for (let _id = 0; _id < 20; _id += 1) connection.send(db.name, insert('c', [{ _id }]));
      const { n } = succeeded(await connection.run(db.name, { count: 'c' }));

      expect(n).to.equal(20);
    });

    it('puts messages together that come in pieces', async () => {
      const bytes = encodeMessage({ requestId: 77, document: { ping: 1, $db: 'admin' } });
      for (const byte of bytes) {
        connection.sendBytes(Buffer.of(byte));
        await new Promise((resolve) => setImmediate(resolve));
      }

      expect((await connection.unasked()).document).to.include({ ok: 1 });
    });

    it('answers nothing but ends the connection when bytes make no message', async () => {
      connection.sendBytes(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'));

      const outcome = await Promise.race([connection.unasked().catch(() => 'cut'), settled(2_000)]);

      expect(outcome).to.equal('cut');
      succeeded(await db.run({ ping: 1 }));
    });

    it('outlives every message that is none', async () => {
      const whole = encodeMessage({ requestId: 9, document: { ping: 1, $db: 'admin' } });
      const changed = (at: number, value: number): Buffer => {
        const bytes = Buffer.from(whole);
        bytes.writeInt32LE(value, at);
        return bytes;
      };
      const nonsense = [
        changed(0, 7), // shorter than its header
        changed(0, -1),
        changed(0, 0x7fff_ffff),
        changed(12, 4_711), // an opcode that there is not
        changed(16, 1 << 7), // a flag that must be understood, and is not
        changed(21, 3), // a document shorter than any
        changed(21, 100_000), // one longer than the message
        changed(25, -1), // a field of no type
        whole.subarray(0, 30),
        encodeMessage({ requestId: 9, document: { ping: 1 } }), // no database
        encodeMessage({ requestId: 9, document: { $db: 'admin' } }), // no command
        encodeMessage({ requestId: 9, document: { insert: 'c', $db: db.name }, sequences: { documents: [{ _id: 1 }], deletes: [] } }),
      ];
      for (const [number, bytes] of nonsense.entries()) {
        const victim = await server.connection();
        victim.sendBytes(bytes);
        const outcome = await Promise.race([
          victim.unasked().then(
            ({ document }) => document['ok'] as number,
            () => 'cut',
          ),
          settled(20).then(() => 'waits'),
        ]);
        expect([0, 'cut', 'waits'], `message ${number}`).to.include(outcome);
        victim.cut();
      }

      succeeded(await db.run({ ping: 1 }));
      expect(await db.all('c')).to.deep.equal([]);
    });

    it('names a command that it does not know: 59', async () => {
      const refused = await db.run({ frobnicate: 1 });

      expect(failureOf(refused)).to.deep.equal({ code: 59, codeName: 'CommandNotFound', labels: [] });
      expect(refused['errmsg']).to.include('frobnicate');
    });

    it('knows commands that tools ask for', async () => {
      succeeded(await db.admin({ ping: 1 }));
      for (const name of ['buildInfo', 'buildinfo']) expect(succeeded(await db.admin({ [name]: 1 }))['version']).to.match(/^\d+\.\d+\.\d+/);
      expect(succeeded(await db.admin({ getParameter: '*' }))).to.include({ ok: 1 });
      succeeded(await db.admin({ endSessions: [{ id: new UUID() }] }));
      expect(succeeded(await db.admin({ serverStatus: 1 }))).to.have.nested.property('metrics.commands');
    });

    it('counts the commands that it carries out', async () => {
      const total = async (): Promise<number> => {
        const { metrics } = succeeded(await db.admin({ serverStatus: 1 }));
        return Number((metrics as { commands: Record<string, { total: bigint }> }).commands['distinct']?.total ?? 0);
      };
      const earlier = await total();
      for (let turn = 0; turn < 3; turn += 1) succeeded(await db.run({ distinct: 'c', key: 'x' }));

      expect((await total()) - earlier).to.equal(3);
    });

    it('keeps every type of BSON as it is', async () => {
      const exact = await server.connection({ promoteValues: false });
      const document = {
        _id: new Int32(1),
        double: new Double(1),
        minusZero: new Double(-0),
        nan: new Double(NaN),
        int: new Int32(1),
        long: Long.fromNumber(1),
        decimal: Decimal128.fromString('1.10'),
        objectId: new Id(),
        uuid: new UUID(),
        binary: new Binary(Buffer.from([1, 2, 3]), 5),
        date: new Date(-1),
        timestamp: new Timestamp({ t: 1, i: 2 }),
        regex: new BSONRegExp('^a.b$', 'i'),
        text: 'grüße \0 𝄞',
        nothing: null,
        minimum: new MinKey(),
        maximum: new MaxKey(),
        in: { deep: [new Int32(1), new Double(1), { long: Long.fromNumber(1) }] },
        empty: {},
        none: [],
        '': new Int32(1),
      };

      succeeded(typed(await exact.run(db.name, insert('c', [document]))));
      const reply = await exact.run(db.name, find('c'));

      const [stored] = (reply['cursor'] as { firstBatch: Document[] }).firstBatch;
      expect(Object.keys(stored!)).to.deep.equal(Object.keys(document));
      for (const [field, value] of Object.entries(document)) expect(described(stored![field])).to.deep.equal(described(value));
    });

    it('keeps the order of fields, also when an update changes some', async () => {
      await db.insert('c', { _id: 1, z: 1, a: { y: 1, b: 1 }, m: 1 });
      succeeded(await db.run({ update: 'c', updates: [{ q: { _id: 1 }, u: { $set: { a: { q: 1, c: 1 }, new: 1, z: 2 } } }] }));

      const stored = (await db.one('c', 1))!;

      expect(Object.keys(stored)).to.deep.equal(['_id', 'z', 'a', 'm', 'new']);
      expect(Object.keys(stored['a'] as Document)).to.deep.equal(['q', 'c']);
    });
  });

  describe('hello', () => {
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
      db = server.database();
    });
    after(() => server.close());

    it('tells a driver that this is the primary of a set, and where it is found', async () => {
      const { hello } = await server.connection();

      expect(hello).to.include({
        ok: 1,
        ismaster: true,
        secondary: false,
        readOnly: false,
        maxBsonObjectSize: 16_777_216,
        maxWriteBatchSize: 100_000,
      });
      expect(hello).to.include({ maxMessageSizeBytes: 48_000_000, logicalSessionTimeoutMinutes: 30 });
      expect(hello['setName']).to.be.a('string');
      expect(hello['hosts']).to.include(hello['me']).and.to.include(hello['primary']);
      expect(hello['me']).to.equal((hello['me'] as string).toLowerCase());
      expect(hello['minWireVersion']).to.be.at.most(9);
      expect(hello['maxWireVersion']).to.be.at.least(9);
      expect(hello['setVersion']).to.be.a('number');
      expect((hello['electionId'] as ObjectId).toHexString()).to.have.length(24);
      expect(hello['localTime']).to.be.instanceOf(Date);
      expect(hello['connectionId']).to.be.a('number');
      expect(hello['lastWrite']).to.have.property('opTime');
      expect(hello).to.have.any.keys('$clusterTime', 'operationTime');
    });

    it('has both names, old and new', async () => {
      expect(await db.admin({ hello: 1 })).to.include({ isWritablePrimary: true });
      for (const name of ['isMaster', 'ismaster']) expect(await db.admin({ [name]: 1 })).to.include({ ismaster: true });
    });

    it('offers no compression when a client wants none', async () => {
      const { hello } = await server.connection({ hello: { compression: ['none'] } });

      expect(hello).to.not.have.property('compression');
    });

    it('gives each connection an id of its own', async () => {
      const ids = new Set([(await server.connection()).hello['connectionId'], (await server.connection()).hello['connectionId']]);

      expect(ids.size).to.equal(2);
    });

    it('holds a question about a state that has not changed until its time is up', async () => {
      const monitor = await server.connection();
      const { topologyVersion } = monitor.hello;
      const began = performance.now();

      const { document, flags } = await monitor.exchange('admin', {
        hello: 1,
        maxAwaitTimeMS: 100,
        topologyVersion: topologyVersion as Document,
      });

      expect(performance.now() - began).to.be.within(90, 2_000);
      expect(flags).to.equal(0);
      expect(document['topologyVersion']).to.deep.equal(topologyVersion);
    });

    it('answers at once when the state is another', async () => {
      const monitor = await server.connection();
      const { topologyVersion } = monitor.hello as { topologyVersion: { counter: bigint } };
      const began = performance.now();

      await monitor.run('admin', {
        hello: 1,
        maxAwaitTimeMS: 5_000,
        topologyVersion: { ...topologyVersion, counter: topologyVersion.counter - 1n },
      });

      expect(performance.now() - began).to.be.below(1_000);
    });

    it('streams to a monitor: answer after answer, each naming the one before', async () => {
      const monitor = await server.connection();
      const { topologyVersion } = monitor.hello;
      const request = monitor.send(
        'admin',
        { hello: 1, maxAwaitTimeMS: 60, topologyVersion: topologyVersion as Document },
        { exhaustAllowed: true },
      );

      const replies = [await monitor.unasked(), await monitor.unasked(), await monitor.unasked()];

      expect(replies.map(({ flags }) => flags)).to.deep.equal([FLAGS.moreToCome, FLAGS.moreToCome, FLAGS.moreToCome]);
      expect(replies.map(({ responseTo }) => responseTo)).to.deep.equal([request, replies[0]!.requestId, replies[1]!.requestId]);
      monitor.cut();
    });

    itOnEmulator('says the wire version that it was told to, and has the bulkWrite command from 25 on', async () => {
      const older = await open({ maxWireVersion: 21 });
      const { hello } = await older.connection();

      const refused = await older.database().admin({ bulkWrite: 1, ops: [{ insert: 0, document: { _id: 1 } }], nsInfo: [{ ns: 'a.b' }] });
      await older.close();

      expect(hello['maxWireVersion']).to.equal(21);
      expect(failureOf(refused)).to.include({ code: 59, codeName: 'CommandNotFound' });
    });
  });

  describe('sizes', () => {
    const MOST = 16 * 1024 * 1024;
    const PAYLOAD = 'x'.repeat(MOST - calculateObjectSize({ _id: 1, s: '' })); // as `s` beside an _id: just at the limit
    let server: ServerUnderTest;
    let db: TestDatabase;

    before(async () => {
      server = await open();
    });
    after(() => server.close());

    beforeEach(() => {
      db = server.database();
    });

    it('a document may have 16 MiB, and not one byte more', async () => {
      succeeded(await db.run(insert('c', [{ _id: 1, s: PAYLOAD }])));

      const refused = await db.run(insert('c', [{ _id: 2, s: `${PAYLOAD}x` }]));

      const code = refused['ok'] === 0 ? failureOf(refused).code : ((refused['writeErrors'] as Document[])[0]!['code'] as number);
      expect([2, 10_334]).to.include(code);
      expect(succeeded(await db.run({ count: 'c' }))['n']).to.equal(1);
    });

    it('an update may not make a document larger than that', async () => {
      succeeded(await db.run(insert('c', [{ _id: 1, s: PAYLOAD }])));

      const refused = await db.run({ update: 'c', updates: [{ q: { _id: 1 }, u: { $set: { more: 'xxx' } } }] });

      const code = refused['ok'] === 0 ? failureOf(refused).code : ((refused['writeErrors'] as Document[])[0]!['code'] as number);
      expect([17_419, 10_334]).to.include(code);
      expect(succeeded(await db.run({ count: 'c', query: { more: { $exists: true } } }))['n']).to.equal(0);
    });

    it('a batch of a cursor has at most about 16 MiB', async () => {
      const s = 'x'.repeat(7_000_000);
      for (const _id of [1, 2, 3]) succeeded(await db.run(insert('c', [{ _id, s }])));

      const first = await db.run(find('c'));
      const rest = await db.run({ getMore: (first['cursor'] as { id: bigint }).id, collection: 'c' });

      expect([documentsOf(first).length, documentsOf(rest).length]).to.deep.equal([2, 1]);
    });

    it('a batch of more than 100 000 writes is refused', async () => {
      const refused = await db.run({ delete: 'c', deletes: Array(100_001).fill({ q: { _id: 1 }, limit: 1 }) });

      expect(failureOf(refused)).to.include({ code: 16 });
    });
  });
}

/** What a value is and says, down to the last level, whatever class of `bson` holds it. */
function described(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(described);
  if (value === null || typeof value !== 'object') return value;
  if (value instanceof Date) return ['Date', value.getTime()];
  const { _bsontype: type } = value as { _bsontype?: string };
  if (type === undefined) return Object.entries(value).map(([key, inner]) => [key, described(inner)]);
  if (value instanceof Binary) return ['Binary', value.sub_type, value.toString('hex')];
  if (value instanceof Double) return ['Double', Object.is(value.value, -0) ? '-0' : String(value.value)];
  if (value instanceof BSONRegExp) return ['BSONRegExp', value.pattern, value.options];
  return [type, (value as { toString(): string }).toString()];
}

/** A reply whose numbers were left in their classes. */
function typed(reply: Document): Document {
  return { ...reply, ok: Number(reply['ok']) };
}
