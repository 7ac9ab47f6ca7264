import { randomUUID } from 'node:crypto';
import type { EventLog, FollowOptions, LogEntry, OutboxMessage, Received, Receiver } from '@waybill/core';
import { InMemoryEventLog, InMemoryReceiver } from '@waybill/core/in-memory';
import { eventLogContract, receiverContract } from '@waybill/testing';
import type { EventLogFixture } from '@waybill/testing';
import { expect } from 'chai';
import { arrivedFrom } from '../contracts/arrived-from.js';
import { runKit } from './run-kit.js';

/** The log in memory, with what `change` does to a reading of it. */
function brokenLog(log: InMemoryEventLog, change: (options: FollowOptions) => AsyncIterable<LogEntry>): EventLog {
  return new Proxy(log, {
    get: (target, name) => {
      if (name === 'follow') return change;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

const logDefects: readonly {
  readonly defect: string;
  readonly change: (log: InMemoryEventLog, options: FollowOptions) => AsyncIterable<LogEntry>;
  readonly noticedBy: string;
}[] = [
  {
    defect: 'begins at a position and not behind it',
    change: (log, { after, ...rest }) => log.follow({ ...rest, after: after === undefined || after === 0n ? after : after - 1n }),
    noticedBy: 'begins behind a position',
  },
  {
    defect: 'begins at the beginning, whatever it is asked for',
    change: (log, options) => log.follow({ ...options, after: undefined }),
    noticedBy: 'can begin at its end',
  },
  {
    defect: 'forgets the second of the types that are wanted',
    change: (log, { types, ...rest }) => log.follow({ ...rest, types: types?.slice(0, 1) }),
    noticedBy: 'yields all that is wanted where types are named',
  },
  {
    defect: 'does not stop when it is told to',
    change: (log, options) => log.follow({ ...options, signal: new AbortController().signal }),
    noticedBy: 'ends when its signal aborts',
  },
];

const receiverDefects: readonly {
  readonly defect: string;
  readonly change: (received: Received) => Received;
  readonly noticedBy: string;
}[] = [
  {
    defect: 'does not send acknowledgements',
    change: (received) => ({ ...received, ack: async () => {} }),
    noticedBy: 'does not hand out what was acknowledged',
  },
  {
    defect: 'counts no deliveries',
    change: (received) => ({ ...received, redeliveries: 0 }),
    noticedBy: 'hands out again what it is asked to retry',
  },
  {
    defect: 'loses the reason',
    change: (received) => ({ ...received, park: () => received.park('') }),
    noticedBy: 'sets aside what it is asked to park',
  },
];

describe('the kits of what messages come from', () => {
  for (const { defect, change, noticedBy } of logDefects)
    it(`notice a log that ${defect}`, async () => {
      const open = async (): Promise<EventLogFixture> => {
        const log = new InMemoryEventLog();
        return {
          log: brokenLog(log, (options) => change(log, options)),
          aStream: () => `order-${randomUUID()}`,
          store: async (messages) => log.append(...messages.map(arrivedFrom)),
          break: async () => log.break(),
          heal: async () => log.heal(),
          close: async () => {},
        };
      };

      const { failed } = await runKit(() => eventLogContract('broken', open), noticedBy);

      expect(failed.map(({ title }) => title).join('\n')).to.include(noticedBy);
    });

  for (const { defect, change, noticedBy } of receiverDefects)
    it(`notice a receiver that ${defect}`, async () => {
      const source = new InMemoryReceiver();
      const receiver: Receiver = {
        name: 'broken',
        async *receive(options) {
          for await (const received of source.receive(options)) yield change(received);
        },
      };
      const fixture = {
        ...{ receiver, another: receiver, aStream: () => `order-${randomUUID()}`, parked: async () => source.parked },
        send: async (messages: readonly OutboxMessage[]) => source.send(...messages.map(arrivedFrom)),
        replayParked: async () => source.replayParked(),
        break: async () => source.break(),
        heal: async () => source.heal(),
        close: async () => {},
      };

      const { failed } = await runKit(() => receiverContract('broken', async () => fixture), noticedBy);

      expect(failed.map(({ title }) => title).join('\n')).to.include(noticedBy);
    });
});
