import { expect } from 'chai';
import type { DatabaseKind } from '../dispatcher-order.js';
import type { ArrivingScene } from './arriving-scene.js';
import { ArrivingStage } from './arriving-stage.js';
import type { ArrivingMoment, Role } from './arriving-order.js';
import { sideBySide } from './side-by-side.js';

/** At how many of its times each moment is died at. Without it: once, and only at the moments that are nearest to a commit or a call. */
const { WAYBILL_CRASH_TIMES } = process.env;
const TIMES = Number(WAYBILL_CRASH_TIMES ?? 1);

type Moments = readonly ArrivingMoment[];
type Story = Role | 'rebuild';
/** Those of a rebuild in the order in which they are reached. */
const all: Readonly<Record<Story, Moments>> = {
  log: ['received', 'claimed', 'called', 'handled', 'advanced', 'committed'],
  group: ['received', 'claimed', 'called', 'handled', 'committed', 'acked'],
  projection: ['received', 'projected', 'advanced', 'committed'],
  process: ['received', 'handled', 'process-asked', 'process-fired', 'process-appended', 'process-committed'],
  rebuild: [
    ...(['generation-prepared', 'received', 'projected', 'advanced', 'committed'] as const),
    ...(['generation-activated', 'switching', 'generation-retired'] as const),
  ],
};
const few: Readonly<Record<DatabaseKind, Readonly<Record<Story, Moments>>>> = {
  postgres: {
    log: ['called', 'handled', 'committed'],
    group: ['called', 'acked'],
    projection: [], // a rebuild is one
    process: ['process-fired'],
    rebuild: ['projected', 'switching'],
  },
  mongodb: {
    log: ['called', 'advanced'],
    group: ['called'],
    projection: [],
    process: ['process-fired'],
    rebuild: ['switching'],
  },
};

for (const kind of ['postgres', 'mongodb'] as const) {
  describe(`processes that are killed with what arrives in their hands, on ${kind}`, function () {
    this.timeout(TIMES * 300_000); // what takes too long says so itself
    let stage: ArrivingStage;
    before(async () => void (stage = await ArrivingStage.open(kind)));
    after(() => stage?.close());
    const isAll = WAYBILL_CRASH_TIMES !== undefined;
    const momentsOf = (story: Story): Moments => (isAll ? all : few[kind])[story];

    /** One process after the other, each dying at another moment. */
    async function dieAtEach(scene: ArrivingScene, at: Moments, nth = 1): Promise<void> {
      for (const moment of at) {
        await scene.ship(3 * nth); // of each kind enough
        await scene.dies({ moment, nth, by: 'kill' });
        expect(await scene.faults({ soFar: true }), `after the death at ${moment}`).to.deep.equal([]);
      }
    }
    async function isFinished(scene: ArrivingScene): Promise<void> {
      await scene.ship(1);
      const last = scene.live();
      await scene.hears(last, 'started');
      await scene.isOver(last);
      await last.stop();
      expect(last.ending).to.equal('exit code 0');
      expect(await scene.faults()).to.deep.equal([]);
    }
    const handledOnce = (role: Role) => async (): Promise<void> => {
      const scene = await stage.scene(role);
      for (let nth = 1; nth <= TIMES; nth++) await dieAtEach(scene, momentsOf(role), nth);
      await isFinished(scene);
      const calls = scene.till.calls.map(({ key }) => key);
      if (role === 'log' || role === 'group') expect(calls.length, 'calls, some of them again').to.be.above(new Set(calls).size);
    };

    sideBySide({
      'handle each message of a log once, and in order': handledOnce('log'),
      'handle each message of a group once': handledOnce('group'),
      ...(momentsOf('projection').length > 0 && { 'project each event once, and in order': handledOnce('projection') }),
      'begin each process once, ask until it answers, and fire each time-out once': handledOnce('process'),

      'build a projection anew once, and switch over once to all that there is': async () => {
        const scene = await stage.scene('projection');
        await scene.ship(4);
        for (let nth = 1; nth <= TIMES; nth++) {
          await scene.rebuild();
          await dieAtEach(scene, momentsOf('rebuild'));
        }
        await isFinished(scene);
      },

      ...((isAll || kind === 'postgres') && {
        'go on when the server of the log is killed as well': async () => {
          const scene = await stage.scene('log', { server: 'own' });
          await scene.ship(3);
          await scene.dies({ moment: 'handled', nth: 1, by: 'kill' });
          const next = scene.live();
          await scene.hears(next, 'advanced');

          await scene.eventstoredb.restart();
          await scene.ship(3);
          await scene.isOver(next);
          await next.stop();

          expect(await scene.faults()).to.deep.equal([]);
        },

        'would be found out if effects were not of the transaction': async () => {
          const scene = await stage.scene('log', { effectsApart: true });
          await scene.ship(2);
          await scene.dies({ moment: 'handled', nth: 1, by: 'kill' });
          const next = scene.live();
          await scene.hears(next, 'caught-up');

          expect((await scene.faults()).join('\n')).to.include('is written twice');
        },
      }),
    });
  });
}
