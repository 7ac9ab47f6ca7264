import type { EventLog, FollowOptions, LogEntry, OutboxMessage } from '@waybill/core';
import { expect } from 'chai';
import { after, afterEach, before, describe, it } from 'mocha';
import { anOutboxMessage, messagesOf } from '../builders/an-outbox-message.js';
import { isWaiting } from '../builders/waiting.js';

/** What {@link eventLogContract} needs: a log, and a way for messages to get into it. */
export interface EventLogFixture {
  readonly log: EventLog;
  /** The same log as another process would open it. Default: the first one again. */
  readonly another?: EventLog;
  /** A stream that nobody has written to, and that the log selects. */
  aStream(): string;
  /** One that it does not select. Needed unless it selects all. */
  aForeignStream?(): string;
  /** Appends these messages, as their writer would. */
  store(messages: readonly OutboxMessage[]): Promise<void>;
  /** Appends what can be no message to a stream, under this type. Default: what becomes of it is not tested. */
  storeUnreadable?(stream: string, type: string): Promise<void>;
  /** Makes the log unreachable, and cuts off who follows it. */
  break(): Promise<void>;
  heal(): Promise<void>;
  close(): Promise<void>;
}

/** The suite of `EventLog`: order, places to begin at, what is wanted, and how a follower is cut off and comes back. */
export function eventLogContract(name: string, open: () => Promise<EventLogFixture>): void {
  describe(`EventLog ${name}`, () => {
    let fixture: EventLogFixture;
    before(async () => (fixture = await open()));
    after(() => fixture?.close());
    let stop = new AbortController();
    afterEach(() => {
      stop.abort();
      stop = new AbortController();
    });

    const last = (): Promise<bigint | undefined> => fixture.log.last({ signal: stop.signal });
    const follow = (options: Partial<FollowOptions> = {}, log = fixture.log): AsyncIterator<LogEntry> =>
      log.follow({ after: undefined, types: undefined, signal: stop.signal, ...options })[Symbol.asyncIterator]();
    /** All entries up to the one that `isLast`. */
    async function entriesUntil(isLast: (entry: LogEntry) => boolean, entries: AsyncIterator<LogEntry>): Promise<readonly LogEntry[]> {
      const seen: LogEntry[] = [];
      for (;;) {
        const next = await entries.next();
        if (next.done === true) throw new Error(`It ended by itself, after ${seen.length} entries.`);
        seen.push(next.value);
        if (isLast(next.value)) return seen;
      }
    }
    const untilMessage = (id: string, entries: AsyncIterator<LogEntry>): Promise<readonly LogEntry[]> =>
      entriesUntil((entry) => entry.kind === 'message' && entry.message.id === id, entries);
    const untilCaughtUp = (entries: AsyncIterator<LogEntry>): Promise<readonly LogEntry[]> =>
      entriesUntil(({ kind }) => kind === 'caught-up', entries);
    const idsOf = (stream: string, entries: readonly LogEntry[]): readonly string[] =>
      entries.flatMap((entry) => (entry.kind === 'message' && entry.message.stream === stream ? [entry.message.id] : []));
    const positionsOf = (entries: readonly LogEntry[]): readonly bigint[] =>
      entries.flatMap((entry) => ('position' in entry ? [entry.position] : []));
    async function storeInto(stream: string, count: number, from = 0n): Promise<readonly OutboxMessage[]> {
      const messages = messagesOf(stream, count, from);
      await fixture.store(messages);
      return messages;
    }

    it('says what its positions are places in, and says the same in another process', () => {
      const { log, another = log } = fixture;

      expect(Buffer.byteLength(log.positions)).to.be.within(1, 500);
      expect(another.positions).to.equal(log.positions);
      expect(log.name).not.to.equal('');
    });

    it('yields what was written, in order, and then that all is read', async () => {
      const [stream, other] = [fixture.aStream(), fixture.aStream()];
      const messages = [...(await storeInto(stream, 3)), ...(await storeInto(other, 2)), ...(await storeInto(stream, 2, 3n))];

      const entries = await untilCaughtUp(follow());

      const ids = entries.flatMap((entry) => (entry.kind === 'message' ? [entry.message.id] : []));
      expect(ids.filter((id) => messages.some((message) => message.id === id))).to.deep.equal(messages.map(({ id }) => id));
    });

    it('yields a message as it was written', async () => {
      const occurredAt = new Date('1999-12-31T23:59:59.999Z');
      const metadata = { correlationId: 'c-1', causationId: 'c-0', traceparent: '00-1-2-01', tenant: 'ü' };
      const message = anOutboxMessage(fixture.aStream(), 0n, {
        ...{ type: 'OrderPlaced', schemaVersion: 3, codec: 'superjson', payload: '{"json":{"a":[1,"ü"]}}', occurredAt, metadata },
      });
      await fixture.store([message]);

      const entry = (await untilMessage(message.id, follow())).at(-1)!;

      expect(entry.kind === 'message' && entry.message).to.deep.include({
        ...{ id: message.id, kind: 'event', type: 'OrderPlaced', stream: message.stream, revision: 0n, schemaVersion: 3 },
        ...{ codec: 'superjson', occurredAt, json: { json: { a: [1, 'ü'] } } },
      });
      expect(entry.kind === 'message' && entry.message.metadata).to.include(metadata);
      expect(entry.kind === 'message' && entry.message.source).not.to.equal('');
    });

    it('lets its positions grow, the same each time', async () => {
      const stream = fixture.aStream();
      const messages = await storeInto(stream, 20);

      const [once, again] = [await untilMessage(messages.at(-1)!.id, follow()), await untilMessage(messages.at(-1)!.id, follow())];

      const positions = positionsOf(once);
      expect(positions.every((position, nth) => nth === 0 || position > positions[nth - 1]!)).to.equal(true);
      const placesIn = (entries: readonly LogEntry[]): readonly bigint[] => positionsOf(entries.filter(({ kind }) => kind === 'message'));
      expect(placesIn(again)).to.deep.equal(placesIn(once));
    });

    it('begins behind a position', async () => {
      const stream = fixture.aStream();
      const messages = await storeInto(stream, 5);
      const place = positionsOf(await untilMessage(messages[1]!.id, follow())).at(-1)!;

      const entries = await untilCaughtUp(follow({ after: place }));

      expect(idsOf(stream, entries)).to.deep.equal(messages.slice(2).map(({ id }) => id));
      expect(positionsOf(entries).every((position) => position > place)).to.equal(true);
    });

    it('can begin at its end, where nothing that was written before comes', async () => {
      const stream = fixture.aStream();
      await storeInto(stream, 3);
      const entries = follow({ after: await last() });
      const before = await untilCaughtUp(entries);

      const [next] = await storeInto(stream, 1, 3n);

      expect(idsOf(stream, before)).to.deep.equal([]);
      expect(idsOf(stream, await untilMessage(next!.id, entries))).to.deep.equal([next!.id]);
    });

    it('tells its end, which is never before a message that was written', async () => {
      const stream = fixture.aStream();
      const before = await last();
      const [message] = await storeInto(stream, 1);

      const position = positionsOf(await untilMessage(message!.id, follow({ after: before }))).at(-1)!;

      const end = (await last())!;
      expect(end >= position).to.equal(true);
      expect(before === undefined || before < position).to.equal(true);
    });

    it('goes on with what is written later', async () => {
      const stream = fixture.aStream();
      const entries = follow({ after: await last() });
      await untilCaughtUp(entries);

      const messages = [...(await storeInto(stream, 2)), ...(await storeInto(stream, 3, 2n))];

      expect(idsOf(stream, await untilMessage(messages.at(-1)!.id, entries))).to.deep.equal(messages.map(({ id }) => id));
    });

    it('yields all that is wanted where types are named', async () => {
      const stream = fixture.aStream();
      const typed = ['Wanted', 'Other', 'AlsoWanted', 'Wanted'].map((type, nth) => anOutboxMessage(stream, BigInt(nth), { type }));
      await fixture.store(typed);

      const entries = await untilMessage(typed.at(-1)!.id, follow({ types: ['Wanted', 'AlsoWanted'] }));

      const wanted = entries.filter((entry) => entry.kind === 'message' && entry.message.type !== 'Other');
      expect(idsOf(stream, wanted)).to.deep.equal([typed[0]!.id, typed[2]!.id, typed[3]!.id]);
    });

    it('selects the streams that it is a log of, and yields no message of others', async function () {
      const stream = fixture.aStream();
      expect(fixture.log.selectsStream(stream)).to.equal(true);
      if (!fixture.aForeignStream) return;
      const foreign = fixture.aForeignStream();
      await storeInto(foreign, 2);
      const [ours] = await storeInto(stream, 1);

      expect(fixture.log.selectsStream(foreign)).to.equal(false);
      expect(idsOf(foreign, await untilMessage(ours!.id, follow()))).to.deep.equal([]);
    });

    it('yields what can be no message as unreadable, and goes on behind it', async function () {
      if (!fixture.storeUnreadable) return this.skip();
      const stream = fixture.aStream();
      const [first] = await storeInto(stream, 1);
      await fixture.storeUnreadable(stream, 'Odd');
      const [third] = await storeInto(stream, 1, 2n);

      const entries = await untilMessage(third!.id, follow());

      const odd = entries.find((entry) => entry.kind === 'unreadable' && entry.unreadable.stream === stream);
      expect(odd?.kind === 'unreadable' && odd.unreadable).to.deep.include({ type: 'Odd', revision: 1n });
      expect(idsOf(stream, entries)).to.deep.equal([first!.id, third!.id]);
    });

    it('lets several follow it, each at its own pace', async () => {
      const stream = fixture.aStream();
      const { log, another = log } = fixture;
      const messages = await storeInto(stream, 300);
      const [fast, slow] = [follow(), follow({}, another)];

      await slow.next();
      const ofFast = await untilMessage(messages.at(-1)!.id, fast);
      const ofSlow = await untilMessage(messages.at(-1)!.id, slow);

      expect(idsOf(stream, ofFast)).to.deep.equal(messages.map(({ id }) => id));
      expect(idsOf(stream, ofSlow).slice(-299)).to.deep.equal(messages.slice(-299).map(({ id }) => id));
    });

    it('ends when its signal aborts, also while it waits', async () => {
      const entries = follow({ after: await last() });
      await untilCaughtUp(entries);
      const waiting = entriesUntil(() => false, entries).catch((error: Error) => error.message);

      stop.abort();

      expect(await isWaiting(waiting)).to.equal(false);
      expect(await waiting).to.contain('It ended by itself');
    });

    it('throws when it is cut off, and goes on from any place when it is followed again', async () => {
      const stream = fixture.aStream();
      const [first, second] = await storeInto(stream, 2);
      const entries = follow();
      const place = positionsOf(await untilMessage(first!.id, entries)).at(-1)!;

      await fixture.break();
      const failure = await untilMessage('none', entries).catch((error: unknown) => error);
      const refused = await untilMessage('none', follow()).catch((error: unknown) => error);
      await fixture.heal();

      expect([failure, refused].every((error) => error instanceof Error && !error.message.includes('by itself'))).to.equal(true);
      const again = await untilMessage(second!.id, follow({ after: place }));
      expect(idsOf(stream, again)).to.deep.equal([second!.id]);
    });
  });
}
