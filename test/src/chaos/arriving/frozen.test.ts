import { expect } from 'chai';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ForkedProgram } from '../forked-program.js';
import { LEASE_MS } from './arriving-scene.js';
import { ArrivingStage } from './arriving-stage.js';
import type { ArrivingMoment, Role } from './arriving-order.js';
import { sideBySide } from './side-by-side.js';

/** Set for the long run: then all of it on both databases. */
const { WAYBILL_CRASH_TIMES } = process.env;
/** For the other one to come as far as it can. */
const SETTLE_MS = 500;

for (const kind of ['postgres', 'mongodb'] as const) {
  describe(`processes that are frozen past their lease with what arrives in their hands, on ${kind}`, function () {
    this.timeout(300_000); // what takes too long says so itself
    let stage: ArrivingStage;
    before(async () => void (stage = await ArrivingStage.open(kind)));
    after(() => stage?.close());

    /** Two processes: the first one freezes with a transaction open, or between its call and its commit; the other takes over. */
    const commitNothing = (role: Role, moment: ArrivingMoment) => async (): Promise<void> => {
      const scene = await stage.scene(role);
      await scene.ship(3);
      const frozen = await scene.freezes(moment);
      const other = scene.live();
      await scene.hears(other, 'acquired');
      await sleep(SETTLE_MS); // where the frozen one holds locks of what is to be written, the other waits for them

      frozen.thaw();
      await scene.hears(frozen, 'lease-lost');
      await scene.isOver(other);

      expect(afterThaw(frozen)[0]).to.equal('lease-lost');
      await Promise.all([frozen.stop(), other.stop()]);
      expect([frozen.ending, other.ending]).to.deep.equal(['exit code 0', 'exit code 0']);
      expect(await scene.faults()).to.deep.equal([]);
    };
    /** What it has told of its place: whether it moved on, or lost it. */
    const afterThaw = ({ events }: ForkedProgram): readonly string[] =>
      events
        .slice(events.findIndex(({ name }) => name === 'thawed'))
        .map(({ name }) => name)
        .filter((name) => name === 'advanced' || name === 'lease-lost');

    /** Where the database, or a claim, lets one of the two through, whichever it is. */
    const handleOnce = (role: Role, moment: ArrivingMoment) => async (): Promise<void> => {
      const scene = await stage.scene(role);
      await scene.ship(3);
      if (moment === 'switching') await scene.rebuild();
      const frozen = await scene.freezes(moment);
      const other = scene.live();
      await sleep(LEASE_MS * 1.5); // it may not even start, where the frozen one holds the lock of its place

      frozen.thaw();
      await scene.ship(2);
      await scene.isOver(other);

      await Promise.all([frozen.stop(), other.stop()]);
      expect(await scene.faults()).to.deep.equal([]);
    };

    sideBySide({
      'commit nothing of a message of a log': commitNothing('log', 'handled'),
      ...((kind === 'postgres' || WAYBILL_CRASH_TIMES !== undefined) && {
        'commit nothing of a projection': commitNothing('projection', 'projected'),
        'commit nothing of what they have called for': commitNothing('log', 'called'),
        'handle a message of a group once, whoever commits': handleOnce('group', 'called'),
        'move on once from a position that is moved already': handleOnce('log', 'advanced'),
        'switch over once': handleOnce('projection', 'switching'),
      }),
    });
  });
}
