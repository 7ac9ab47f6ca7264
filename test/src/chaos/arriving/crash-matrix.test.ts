import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import { expect } from 'chai';
import { startServer } from '../chaos-server.js';
import type { ChaosServer } from '../chaos-server.js';
import { ArrivingScene } from './arriving-scene.js';
import type { ArrivingMoment, Role } from './arriving-order.js';

/** At how many of its times each moment is died at. */
const TIMES = Number(process.env['WAYBILL_CRASH_TIMES'] ?? 1);

const moments: Readonly<Record<Role, readonly ArrivingMoment[]>> = {
  log: ['received', 'claimed', 'called', 'handled', 'advanced', 'committed'],
  group: ['received', 'claimed', 'called', 'handled', 'committed', 'acked'],
  projection: ['received', 'projected', 'advanced', 'committed'],
  process: ['received', 'handled', 'process-asked', 'process-fired', 'process-appended', 'process-committed'],
};
/** While a projection is built anew, in the order in which they are reached. */
const rebuildMoments: readonly ArrivingMoment[] = [
  ...(['generation-prepared', 'received', 'projected', 'advanced', 'committed'] as const),
  ...(['generation-activated', 'switching', 'generation-retired'] as const),
];

for (const kind of ['postgres', 'mongodb'] as const) {
  describe(`processes that are killed with what arrives in their hands, on ${kind}`, function () {
    this.timeout(TIMES * 120_000);
    let server: ChaosServer;
    let eventstoredb: EventStoreDBEmulator;
    const scenes: ArrivingScene[] = [];
    before(async () => {
      server = await startServer(kind);
      eventstoredb = await EventStoreDBEmulator.start();
    });
    after(async () => {
      await Promise.all(scenes.map((scene) => scene.close()));
      await eventstoredb?.stop();
      await server?.stop();
    });
    const open = async (role: Role, { effectsApart = false } = {}): Promise<ArrivingScene> => {
      const scene = await ArrivingScene.open({ server, eventstoredb, role, category: `parcels${scenes.length}`, effectsApart });
      scenes.push(scene);
      return scene;
    };

    /** One process after the other, each dying at another moment. */
    async function dieAtEach(scene: ArrivingScene, at: readonly ArrivingMoment[], nth = 1): Promise<void> {
      for (const moment of at) {
        await scene.ship(2 + nth);
        await scene.dies({ moment, nth, by: 'kill' });
        expect(await scene.faults({ soFar: true }), `after the death at ${moment}`).to.deep.equal([]);
      }
    }
    async function isFinished(scene: ArrivingScene): Promise<void> {
      await scene.ship(1);
      const last = scene.live();
      await scene.isOver(last);
      await last.stop();
      expect(last.ending).to.equal('exit code 0');
      expect(await scene.faults()).to.deep.equal([]);
    }

    for (const role of ['log', 'group', 'projection', 'process'] as const)
      it(`handle each message once, as a ${role}, at whichever moment they die`, async () => {
        const scene = await open(role);
        for (let nth = 1; nth <= TIMES; nth++) await dieAtEach(scene, moments[role], nth);
        await isFinished(scene);
      });

    it('switch over once, and to all that there is, at whichever moment of a rebuild they die', async () => {
      const scene = await open('projection');
      await scene.ship(4);
      const first = scene.live();
      await scene.isOver(first);
      await first.kill();

      for (let nth = 1; nth <= TIMES; nth++) {
        await scene.rebuild();
        await dieAtEach(scene, rebuildMoments);
      }
      await isFinished(scene);
    });
  });
}
