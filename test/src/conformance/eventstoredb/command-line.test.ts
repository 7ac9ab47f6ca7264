import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventStoreDBClient } from '@eventstore/db-client';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { anEvent, failureOf, idsOf } from './append-path.js';
import { describeOnEmulator, reconnected } from './server-under-test.js';

const CLI = fileURLToPath(new URL('cli.js', import.meta.resolve('@waybill/eventstoredb-emulator')));

describeOnEmulator('EventStoreDB emulator: command line and file', () => {
  let directory: string;
  const started: ChildProcessWithoutNullStreams[] = [];

  const run = (...options: string[]): ChildProcessWithoutNullStreams => {
    const child = spawn(process.execPath, [CLI, ...options, '--until-stdin-closes']);
    started.push(child);
    return child;
  };
  const addressOf = async (child: ChildProcessWithoutNullStreams): Promise<string> => {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return line.toString();
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'emulator-'));
  });

  after(async () => {
    for (const child of started) child.kill('SIGKILL');
    await rm(directory, { recursive: true });
  });

  it('prints its address in one line once it is ready, and ends well when told to or when its input ends', async () => {
    for (const end of [
      (child: ChildProcessWithoutNullStreams) => child.kill('SIGTERM'),
      (child: ChildProcessWithoutNullStreams) => child.kill('SIGINT'),
      (child: ChildProcessWithoutNullStreams) => child.stdin.end(),
    ]) {
      const child = run('--port', '0');
      const address = await addressOf(child);

      end(child);
      const [code] = (await once(child, 'exit')) as [number];

      expect(address).to.match(/^esdb:\/\/127\.0\.0\.1:\d+\?tls=false\n$/);
      expect(code).to.equal(0);
    }
  });

  it('keeps its events in a file over SIGKILL, every acknowledged one', async () => {
    const file = join(directory, 'events');
    const first = run('--port', '0', '--file', file);
    const url = (await addressOf(first)).trim();
    const client = EventStoreDBClient.connectionString(url);
    await client.appendToStream('s', anEvent());
    await client.setStreamMetadata('t', { maxCount: 2 });
    const acknowledged: string[] = [];
    const appends = Array.from({ length: 2_000 }, async () => {
      const id = crypto.randomUUID();
      await client.appendToStream('s', anEvent(id));
      acknowledged.push(id);
      if (acknowledged.length === 500) first.kill('SIGKILL');
    });
    await Promise.allSettled(appends);

    const second = run('--port', new URL(url.replace('esdb', 'http')).port, '--file', file);
    await addressOf(second);
    await reconnected(client);
    const stored = new Set(await idsOf(client, 's'));
    const { metadata } = await client.getStreamMetadata('t');
    await client.dispose();
    second.kill('SIGTERM');
    await once(second, 'exit');

    expect(acknowledged.length).to.be.within(500, 1_999);
    expect(acknowledged.filter((id) => !stored.has(id))).to.deep.equal([]);
    expect(metadata).to.deep.equal({ maxCount: 2 });
  });

  it('drops an append that the file holds only half of', async () => {
    const file = join(directory, 'half');
    const emulator = await EventStoreDBEmulator.start({ file });
    const client = EventStoreDBClient.connectionString(emulator.connectionString);
    await client.appendToStream('s', anEvent());
    await client.appendToStream('s', [anEvent(), anEvent(), anEvent()]);
    await client.dispose();
    await emulator.stop();
    const content = await readFile(file);
    await writeFile(file, content.subarray(0, content.length - 10));

    const again = await EventStoreDBEmulator.start({ file });
    const left = again.read('s').length;
    await again.stop();

    expect(left).to.equal(1);
  });

  it("refuses another program's file and leaves it alone", async () => {
    const file = join(directory, 'letter');
    await writeFile(file, 'Dear Sir or Madam');

    const failure = await failureOf(EventStoreDBEmulator.start({ file }));
    const child = run('--port', '0', '--file', file);
    const [code] = (await once(child, 'exit')) as [number];

    expect(failure.code).to.equal('INVALID_LOG_FILE');
    expect(code).to.equal(1);
  });
});
