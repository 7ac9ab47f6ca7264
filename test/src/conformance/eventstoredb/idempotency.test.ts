import type { AppendExpectedRevision, EventStoreDBClient } from '@eventstore/db-client';
import { expect } from 'chai';
import { anEvent, append, APPEND_PATHS, failureOf, idsOf } from './append-path.js';
import type { AppendPath } from './append-path.js';
import { IDEMPOTENCY_TABLE } from './idempotency-table.js';
import type { IdempotencyRow } from './idempotency-table.js';
import { describeOnEmulator, newStream, restart, serverUnderTest } from './server-under-test.js';
import type { ServerUnderTest } from './server-under-test.js';

interface Case {
  readonly row: IdempotencyRow;
  readonly path: AppendPath;
  readonly expected: AppendExpectedRevision;
  readonly outcome: string;
  readonly stream: string;
  readonly stored: readonly string[];
  readonly foreign: string;
}

describe('EventStoreDB conformance: the idempotency table, warm', () => testTable({ forgotten: false }));
describeOnEmulator('EventStoreDB conformance: the idempotency table, after a restart', () => testTable({ forgotten: true }));

function testTable({ forgotten }: { readonly forgotten: boolean }): void {
  const cases = IDEMPOTENCY_TABLE.flatMap((row) => APPEND_PATHS.flatMap((path) => casesOf(row, path, forgotten)));
  let server: ServerUnderTest;

  before(async () => {
    server = await serverUnderTest();
    for (const each of cases) await store(server.client, each);
    if (forgotten) await restart(server);
  });

  for (const path of APPEND_PATHS) {
    for (const row of IDEMPOTENCY_TABLE) {
      it(`${path}: ${row.title}, [${row.append}] on [${row.stored.join(' | ')}]`, async () => {
        for (const each of cases.filter((one) => one.row === row && one.path === path)) await check(server.client, each);
      });
    }
  }
}

function casesOf(row: IdempotencyRow, path: AppendPath, forgotten: boolean): Case[] {
  const length = row.stored.join('').length;
  const weak = (forgotten && row.weakForgotten) || row.weak;
  const exact = Array.from({ length: length + 2 }, (_, revision) => [BigInt(revision), row.exact[revision] ?? 'wev'] as const);
  const outcomes = [['no_stream', row.noStream], ['any', weak], ['stream_exists', row.streamExists ?? weak], ...exact] as const;
  return outcomes.map(([expected, outcome]) => {
    const stored = Array.from({ length }, () => crypto.randomUUID());
    return { row, path, expected, outcome, stream: newStream(), stored, foreign: crypto.randomUUID() };
  });
}

async function store(client: EventStoreDBClient, { row, stream, stored, foreign }: Case): Promise<void> {
  const ids = [...stored];
  for (const { length } of row.stored) {
    await append(
      { client, path: 'batch' },
      stream,
      ids.splice(0, length).map((id) => anEvent(id)),
    );
  }
  if (row.append.includes('f')) await append({ client, path: 'batch' }, newStream('foreign'), anEvent(foreign));
}

async function check(client: EventStoreDBClient, { row, path, expected, outcome, stream, stored, foreign }: Case): Promise<void> {
  const named = { n: crypto.randomUUID(), f: foreign } as const;
  const ids = [...row.append].map((name) => (name === 'n' || name === 'f' ? named[name] : stored[Number(name)]!));
  const appending = append(
    { client, path },
    stream,
    ids.map((id) => anEvent(id)),
    expected,
  );
  const context = `${path}, expected ${expected}`;

  const [verdict, revision, added] = outcome.split(' ');
  if (verdict === 'wev') {
    const failure = await failureOf(appending);
    expect(failure, context).to.include({ type: 'wrong-expected-version', streamName: stream, expectedVersion: expected, message: '' });
    expect(failure.actualVersion, context).to.equal(stored.length === 0 ? 'no_stream' : BigInt(stored.length - 1));
  } else {
    const { success, nextExpectedRevision, position } = await appending;
    expect({ success, nextExpectedRevision }, context).to.deep.equal({ success: true, nextExpectedRevision: BigInt(revision!) });
    expect(position, context).to.have.keys('commit', 'prepare');
  }
  const holds = await idsOf(client, stream).catch((error: { type?: string }) => error.type);
  const shouldHold = added === undefined ? stored : [...stored, ...ids];
  expect(holds, context).to.deep.equal(shouldHold.length === 0 ? 'stream-not-found' : shouldHold);
}
