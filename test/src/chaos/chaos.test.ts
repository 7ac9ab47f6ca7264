import { expect } from 'chai';
import { startServer } from './chaos-server.js';
import type { ChaosServer } from './chaos-server.js';
import { isKept, reportOf } from './outcome.js';
import { patiently } from './patiently.js';
import { Scene } from './scene.js';
import { SeededRandom } from './seeded-random.js';
import { storm } from './storm.js';

const HOUR_MS = 3_600_000;
const KILLS = 10;

/** What `npm run chaos` does for as long as one likes, and one short look at each fault. One day for all of it: it ends with the verdict. */
for (const [kind, seed] of [
  ['postgres', 1],
  ['mongodb', 2],
] as const) {
  describe(`three dispatcher processes on ${kind}, on a bad day`, function () {
    this.timeout(120_000);
    let server: ChaosServer;
    let scene: Scene;

    before(async () => {
      server = await startServer(kind);
      scene = await Scene.open({ server, random: new SeededRandom(seed) });
    });
    after(async () => {
      await scene?.close();
      await server?.stop();
    });

    it(`go on through ${KILLS} kills at random moments`, async () => {
      await storm(scene, { kills: KILLS, maxMs: 30_000, pauseMs: [50, 350], weights: { kill: 2, 'kill at a moment': 1 } });

      expect(scene.kills).to.be.at.least(KILLS);
      await scene.goesOn();
    });

    it('go on when one is frozen past its lease, and it notices when it thaws', async () => {
      const frozen = scene.busiest;
      const lost = frozen.told('lease-lost');

      await frozen.freeze(scene.leaseMs * 1.5);

      await patiently('that it lost its lanes', () => frozen.told('lease-lost') > lost || undefined);
      await scene.goesOn();
    });

    it("go on with clocks an hour off each other's", async () => {
      const [first, second] = scene.instances;
      await Promise.all([first!.kill({ clockOffByMs: HOUR_MS }), second!.kill({ clockOffByMs: -HOUR_MS })]);
      await Promise.all([first!.running(), second!.running()]);

      await scene.goesOn();
    });

    it('go on when the database is restarted', async function () {
      if (!server.restart) this.skip(); // somebody's server is not ours to crash

      await server.restart();

      await scene.goesOn();
    });

    for (const request of ['carried-out', 'lost'] as const) {
      it(`go on when a connection is cut at a settlement that is ${request}, and at such a commit`, async () => {
        const networks = scene.instances.map(({ network }) => network);
        const settlementsCut = (): number => networks.reduce((sum, { cuts }) => sum + cuts, 0);
        const [settlements, commits] = [settlementsCut(), scene.proxy.cuts];

        scene.proxy.cutAt(server.isCommit, request);
        for (const network of networks) network.cutAt(server.isSettlement, request);

        await patiently('a cut at a settlement', () => settlementsCut() > settlements || undefined);
        await patiently('a cut at a commit', () => scene.proxy.cuts > commits || undefined);
        for (const network of networks) network.open(); // those that had no settlement are armed still
        await scene.goesOn();
      });
    }

    it('go on when EventStoreDB is restarted, and when it is mute', async () => {
      await scene.eventstoredb.kill();
      await scene.eventstoredb.restart();
      await scene.goesOn();

      scene.eventstoredb.faults.mute();
      const waits = scene.told('waiting');
      await patiently('a delivery that is given up', () => scene.told('waiting') > waits || undefined);
      scene.eventstoredb.faults.heal();

      await scene.goesOn();
    });

    it('go on with pools that others exhaust', async () => {
      await Promise.all(scene.instances.map((instance) => instance.kill({ hoggedPool: 2 })));
      await Promise.all(scene.instances.map((instance) => instance.running()));

      await scene.goesOn();
    });

    it('have lost, reordered and doubled nothing in all that', async () => {
      const outcome = await scene.end();

      expect(isKept(outcome), reportOf(outcome)).to.equal(true);
      expect(outcome.verdict.takeOvers).to.be.above(KILLS / 4);
    });
  });
}
