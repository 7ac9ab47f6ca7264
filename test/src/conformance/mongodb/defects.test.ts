import { Isolation } from '@waybill/mongodb-emulator';
import type { Reader, VersionState } from '@waybill/mongodb-emulator';
import { expect } from 'chai';
import { runKit } from '../../testing/run-kit.js';
import { bulkWrites } from './bulk-writes.js';
import { conflicts } from './conflicts.js';
import { interleavings } from './interleavings.js';
import { retryableWrites } from './retryable-writes.js';
import { emulators } from './server-under-test.js';
import type { Servers } from './server-under-test.js';
import { snapshots } from './snapshots.js';
import { waitingWrites } from './waiting-writes.js';
import { wholeCommits } from './whole-commits.js';

interface Defect {
  readonly server: string;
  readonly isolation: Isolation;
  readonly noticedBy: readonly (readonly [suite: (servers: Servers) => void, title: string])[];
}

const isOpen = (version: VersionState): boolean => version.writer !== undefined;

const DEFECTS: readonly Defect[] = [
  {
    server: 'lets transactions overwrite each other',
    isolation: new (class extends Isolation {
      override conflicts(reader: Reader, newest: VersionState): boolean {
        return reader.writer === undefined && super.conflicts(reader, newest);
      }
    })(),
    noticedBy: [
      [conflicts, 'the first of two open ones wins: an update with an update'],
      [conflicts, 'the first of two open ones wins: a delete with an update'],
      [conflicts, 'one that was committed after the snapshot wins: an update with an update'],
      [conflicts, 'one that was committed after the snapshot wins: an insert with an insert of the same unique key'],
      [conflicts, 'a value that was read and written back is not lost'],
    ],
  },
  {
    server: 'sees a conflict with an open transaction only, none with what was committed after the snapshot',
    isolation: new (class extends Isolation {
      override conflicts(reader: Reader, newest: VersionState): boolean {
        return isOpen(newest) && super.conflicts(reader, newest);
      }
    })(),
    noticedBy: [
      [conflicts, 'one that was committed after the snapshot wins: an update with an update'],
      [conflicts, 'one that was committed after the snapshot wins: an insert with an insert of the same _id'],
      [conflicts, 'one that was committed after the snapshot wins: an insert with an insert of the same unique key'],
      [conflicts, 'a plain write after the snapshot wins: an update with an update'],
      [conflicts, 'a value that was read and written back is not lost'],
      [interleavings, 'read, conflict and commit as snapshot isolation has it'],
    ],
  },
  {
    server: 'reads what was committed last, inside transactions too',
    isolation: new (class extends Isolation {
      override sees(reader: Reader, version: VersionState): boolean {
        return super.sees({ ...reader, at: Infinity, writer: reader.writer }, version);
      }
    })(),
    noticedBy: [
      [snapshots, 'one state, from its first command on, over all collections: {}'],
      [snapshots, 'one state also when the first command writes'],
      [snapshots, 'the same through an index as without'],
      [snapshots, 'a cursor goes on in the snapshot that it began in'],
      [wholeCommits, 'in transactions that read two collections'],
      [interleavings, 'read, conflict and commit as snapshot isolation has it'],
    ],
  },
  {
    server: 'hides from a transaction what it has written',
    isolation: new (class extends Isolation {
      override sees(reader: Reader, version: VersionState): boolean {
        return !isOpen(version) && super.sees(reader, version);
      }
    })(),
    noticedBy: [[snapshots, 'its own writes: inserts, updates and deletes, through every way of reading']],
  },
  {
    server: 'shows what is not committed',
    isolation: new (class extends Isolation {
      override sees(reader: Reader, version: VersionState): boolean {
        return isOpen(version) || super.sees(reader, version);
      }
    })(),
    noticedBy: [
      [snapshots, 'nothing that another open transaction has written, nor does a plain read'],
      [waitingWrites, 'plain reads wait for nothing'],
    ],
  },
  {
    server: 'makes the writes of a commit visible one by one',
    isolation: new (class extends Isolation {
      override commitGroups<Write>(writes: readonly Write[]): readonly (readonly Write[])[] {
        return writes.map((write) => [write]);
      }
    })(),
    noticedBy: [
      [wholeCommits, 'in one plain find'],
      [wholeCommits, 'in plain reads of two collections, one after the other'],
      [wholeCommits, 'in transactions that read two collections'],
      [wholeCommits, 'in plain reads at level snapshot, at one time'],
      [wholeCommits, 'in a change stream: all its events at one clusterTime'],
      [wholeCommits, 'in a sum that only moves'],
    ],
  },
  {
    server: 'lets no plain write wait',
    isolation: new (class extends Isolation {
      override conflicts(reader: Reader, newest: VersionState): boolean {
        return reader.writer !== undefined && super.conflicts(reader, newest);
      }
    })(),
    noticedBy: [
      [waitingWrites, 'wait until it ends: an update, behind an update'],
      [waitingWrites, 'wait until it ends: an insert of the same unique key, behind an insert'],
      [waitingWrites, 'give up after maxTimeMS: an update, behind an update'],
      [waitingWrites, 'change the state that it has left, not the one that they found'],
      [waitingWrites, 'look at their filter again'],
    ],
  },
  {
    server: 'does not look for keys of unique indexes among what is open',
    isolation: new (class extends Isolation {
      override conflictsAtKey(reader: Reader, newest: VersionState): boolean {
        return !isOpen(newest) && super.conflictsAtKey(reader, newest);
      }
    })(),
    noticedBy: [
      [conflicts, 'the first of two open ones wins: an insert with an insert of the same unique key'],
      [conflicts, 'the first of two open ones wins: an update with an update to the same unique key'],
      [waitingWrites, 'wait until it ends: an insert of the same unique key, behind an insert'],
      [waitingWrites, 'find the key taken when it has committed: 11000'],
      [interleavings, 'read, conflict and commit as snapshot isolation has it'],
    ],
  },
  {
    server: 'carries a retried write out again',
    isolation: new (class extends Isolation {
      override answersFromRecord(): boolean {
        return false;
      }
    })(),
    noticedBy: [
      [retryableWrites, 'apply nothing twice: an update'],
      [retryableWrites, 'apply nothing twice: an insert'],
      [retryableWrites, 'apply nothing twice: a delete'],
      [retryableWrites, 'findAndModify gives the old document of an update again'],
      [retryableWrites, 'are carried out once when first try and retry wait side by side'],
      [bulkWrites, 'is answered from the record when it is tried again'],
    ],
  },
];

describe('the MongoDB conformance tests', () => {
  for (const { server, isolation, noticedBy } of DEFECTS) {
    for (const [suite, title] of noticedBy) {
      it(`notice a server that ${server}: "${title}"`, async () => {
        const verdict = await runKit(() => suite(emulators({ isolation })), title);

        expect(verdict.failed.map((failed) => failed.title).join('\n')).to.include(title);
      });
    }
  }

  it('find nothing wrong with the one that the broken ones are made of', async () => {
    for (const [suite, title] of DEFECTS.flatMap(({ noticedBy }) => noticedBy)) {
      const verdict = await runKit(() => suite(emulators({ isolation: new Isolation() })), title);

      expect(verdict.failed).to.deep.equal([]);
      expect(verdict.passed.join('\n')).to.include(title);
    }
  }).timeout(60_000);
});
