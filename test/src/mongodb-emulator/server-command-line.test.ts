import { spawn } from 'node:child_process';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect } from 'chai';
import { MongoClient } from 'mongodb';

const CLI = fileURLToPath(new URL('cli.js', import.meta.resolve('@waybill/mongodb-emulator')));

describe('MongoDB emulator: command line', () => {
  const started: ChildProcessWithoutNullStreams[] = [];

  const run = (...options: string[]): ChildProcessWithoutNullStreams => {
    const child = spawn(process.execPath, [CLI, ...options, '--until-stdin-closes']);
    started.push(child);
    return child;
  };
  const printedBy = async (child: ChildProcessWithoutNullStreams): Promise<string> => {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    return line.toString();
  };

  after(() => {
    for (const child of started) child.kill('SIGKILL');
  });

  it('prints in one line where and what it is, and ends well when told to or when its input ends', async () => {
    for (const end of [
      (child: ChildProcessWithoutNullStreams) => child.kill('SIGTERM'),
      (child: ChildProcessWithoutNullStreams) => child.kill('SIGINT'),
      (child: ChildProcessWithoutNullStreams) => child.stdin.end(),
    ]) {
      const child = run('--port', '0');
      const line = await printedBy(child);
      const client = await MongoClient.connect(line.split(' ')[0]!);

      end(child);
      const [code] = (await once(child, 'exit')) as [number];
      await client.close();

      expect(line).to.match(/^mongodb:\/\/127\.0\.0\.1:\d+\/\?replicaSet=rs0 .*emulator.*\n$/);
      expect(code).to.equal(0);
    }
  });

  it('is what its options say', async () => {
    const alone = await printedBy(run('--port', '0', '--stand-alone'));
    const named = await printedBy(run('--port', '0', '--replica-set', 'other', '--max-wire-version', '21'));

    const client = await MongoClient.connect(named.split(' ')[0]!);
    const { version } = await client.db('admin').command({ buildInfo: 1 });
    await client.close();

    expect(alone).not.to.include('replicaSet');
    expect(named).to.include('replicaSet=other');
    expect(version).to.equal('7.0.0');
  });

  it('says why it does not start', async () => {
    const taken = new URL((await printedBy(run('--port', '0'))).split(' ')[0]!.replace('mongodb:', 'http:')).port;

    const child = run('--port', taken);
    const [message] = (await once(child.stderr, 'data')) as [Buffer];
    const [code] = (await once(child, 'exit')) as [number];

    expect(message.toString()).to.include(`Cannot listen on 127.0.0.1:${taken}`);
    expect(code).to.equal(1);
  });
});
