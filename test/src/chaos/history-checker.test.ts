import { expect } from 'chai';
import type { LoggedDelivery } from './acceptance-log.js';
import type { BrokenPromise, History, Placed } from './history.js';
import { checkHistory } from './history-checker.js';
import { storyOf } from './story.js';

const BATCH = 2;

/** `a3`: stream a, revision 3. */
const placed = (name: string): Placed => ({ id: `id-${name}`, stream: name[0]!, revision: Number(name.slice(1)), text: `text ${name}` });

/** `1/7 a0 a1`: the holder of epoch 1 delivers these on lane 7, and the log takes them. */
function delivery(line: string): LoggedDelivery {
  const [place = '', ...names] = line.split(' ');
  const [epoch, lane = 0] = place.split('/').map(Number);
  return { instance: `holder-${epoch}`, lane, epoch: epoch!, at: 0, messages: names.map(placed) };
}

function aHistory(
  deliveries: readonly string[],
  { committed = 'a0 a1 a2 b0 b1', ...overrides }: Partial<History> & { committed?: string } = {},
): History {
  const rows = committed.split(' ').map(placed);
  const stored = new Map<string, string[]>();
  for (const { stream, id } of rows) stored.set(stream, [...(stored.get(stream) ?? []), id]);
  const attempts = rows.map(({ text, ...message }) => ({ texts: [text], outcome: 'committed' as const, messages: [message] }));
  return { attempts, rows, stored, deliveries: deliveries.map(delivery), batchSize: BATCH, ...overrides };
}

describe('the history checker', () => {
  const brokenIn = (history: History): readonly BrokenPromise[] => [
    ...new Set(checkHistory(history).violations.map(({ promise }) => promise)),
  ];

  it('has nothing against a calm day', () => {
    const verdict = checkHistory(aHistory(['1/0 a0 b0', '1/0 a1 a2', '1/0 b1']));

    expect(verdict).to.deep.equal({
      ...{ violations: [], committed: 5, rolledBack: 0, unknown: 0 },
      ...{ accepted: 5, duplicates: 0, late: 0, takeOvers: 0 },
    });
  });

  it('has nothing against the open batch of a holder that was killed, delivered again by the next', () => {
    const verdict = checkHistory(aHistory(['1/0 a0 b0', '1/0 a1 a2', '2/0 a1 a2', '2/0 b1']));

    expect(verdict).to.include({ duplicates: 2, takeOvers: 1 }).and.to.deep.include({ violations: [] });
  });

  it('has nothing against one late batch of a holder that was frozen', () => {
    const verdict = checkHistory(aHistory(['1/0 a0 b0', '2/0 a1 a2', '2/0 b1', '1/0 a1 a2']));

    expect(verdict).to.include({ late: 1, duplicates: 2 }).and.to.deep.include({ violations: [] });
  });

  it('notices a message that was lost on the way to the log', () => {
    expect(brokenIn(aHistory(['1/0 a0 b0', '1/0 a1 a2']))).to.deep.equal(['lost']);
  });

  it('notices revisions in the wrong order, also from different batches and holders', () => {
    expect(brokenIn(aHistory(['1/0 a1 a0', '1/0 a2 b0', '1/0 b1']))).to.deep.equal(['overtaken']);
    expect(brokenIn(aHistory(['1/0 a0 b1', '2/0 b0 a1', '2/0 a2']))).to.deep.equal(['overtaken']);
  });

  it('does not take a duplicate behind its successors for a wrong order', () => {
    expect(brokenIn(aHistory(['1/0 a0 a1', '2/0 a0 a1', '2/0 a2 b0', '2/0 b1']))).to.deep.equal([]);
  });

  it('notices a duplicate of what must have been recorded long ago', () => {
    const late = ['1/0 a0 a1', '1/0 a2 b0', '1/0 b1 c0', '2/0 a0 a1'];

    expect(brokenIn(aHistory(late, { committed: 'a0 a1 a2 b0 b1 c0' }))).to.deep.equal(['doubled']);
  });

  it('notices a former holder that goes on', () => {
    expect(brokenIn(aHistory(['1/0 a0 a1', '2/0 a2 b0', '1/0 a2 b0', '1/0 b1']))).to.deep.equal(['doubled']);
  });

  it('notices two holders of one lane in one epoch', () => {
    const history = aHistory(['1/0 a0 a1', '1/0 a2 b0', '1/0 b1']);
    const [first, ...others] = history.deliveries;

    expect(brokenIn({ ...history, deliveries: [{ ...first!, instance: 'somebody else' }, ...others] })).to.deep.equal(['two holders']);
  });

  it('counts lanes apart', () => {
    expect(brokenIn(aHistory(['1/0 a0 a1', '4/1 b0 b1', '1/0 a2', '5/1 b0 b1']))).to.deep.equal([]);
  });

  it('notices what was never committed, and says when it was rolled back', () => {
    const attempt = { texts: ['text d0'], outcome: 'rolled-back' as const, messages: [] };
    const history = aHistory(['1/0 a0 a1', '1/0 a2 b0', '1/0 b1 d0']);

    const { violations } = checkHistory({ ...history, attempts: [...history.attempts, attempt] });

    expect(violations).to.have.length(1);
    expect(violations[0]).to.include({ promise: 'never committed', stream: 'd' });
    expect(violations[0]!.what).to.contain('rolled back');
  });

  it('notices a duplicate under another id', () => {
    const history = aHistory(['1/0 a0 a1', '1/0 a2 b0', '1/0 b1']);
    const again = delivery('2/0 b1');
    const renamed = { ...again, messages: [{ ...again.messages[0]!, id: 'another' }] };

    expect(brokenIn({ ...history, deliveries: [...history.deliveries, renamed] })).to.deep.equal(['another id']);
  });

  describe('of commits', () => {
    const all = ['1/0 a0 a1', '1/0 a2 b0', '1/0 b1'];

    it('takes from the database what the caller was not told', () => {
      const history = aHistory(all);
      const attempts = history.attempts.map((attempt) => ({ ...attempt, outcome: 'unknown' as const, messages: [] }));

      expect(checkHistory({ ...history, attempts }))
        .to.include({ unknown: 5 })
        .and.to.deep.include({ violations: [] });
    });

    it('notices one that was confirmed and is gone', () => {
      const history = aHistory(all.slice(0, 2), { committed: 'a0 a1 a2 b0' });
      const gone = { texts: ['text b1'], outcome: 'committed' as const, messages: [placed('b1')] };

      expect(brokenIn({ ...history, attempts: [...history.attempts, gone] })).to.deep.equal(['commit']);
    });

    it('notices one that was said to be rolled back and is there', () => {
      const history = aHistory(all);
      const [first, ...others] = history.attempts;

      expect(brokenIn({ ...history, attempts: [{ ...first!, outcome: 'rolled-back', messages: [] }, ...others] })).to.deep.equal([
        'commit',
      ]);
    });

    it('notices a revision that is missing', () => {
      expect(brokenIn(aHistory(['1/0 a0 a2'], { committed: 'a0 a2' }))).to.include('commit');
    });
  });

  describe('of EventStoreDB', () => {
    const all = ['1/0 a0 a1', '1/0 a2 b0', '1/0 b1'];
    const withStored = (stream: string, ids: readonly string[]): History => {
      const history = aHistory(all);
      return { ...history, stored: new Map([...history.stored, [stream, ids]]) };
    };

    for (const [what, stream, ids] of [
      ['an event that is missing', 'a', ['id-a0', 'id-a1']],
      ['an event that is stored twice', 'a', ['id-a0', 'id-a1', 'id-a2', 'id-a2']],
      ['events in another order', 'a', ['id-a0', 'id-a2', 'id-a1']],
      ["somebody else's event", 'a', ['id-a0', 'id-a1', 'id-x9']],
      ['a stream that nobody committed', 'z', ['id-z0']],
    ] as const) {
      it(`notices ${what}`, () => {
        expect(brokenIn(withStored(stream, ids))).to.deep.equal(['EventStoreDB']);
      });
    }
  });

  it('tells the story of the one stream', () => {
    const history = aHistory(['1/0 a0 b0', '1/0 a2 a1', '1/0 b1']);
    const [violation] = checkHistory(history).violations;

    const story = storyOf(violation!, history).split('\n');

    expect(story[0]).to.equal('overtaken: stream a: revision 2 was accepted when 1 was to come');
    expect(story.filter((line) => line.includes('delivery'))).to.have.length(2);
    expect(story.join()).not.to.contain('id-b');
  });
});
