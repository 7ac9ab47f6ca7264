import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { laneOf, streamHash } from '@waybill/core';
import type { WakeHint, WakeUps } from '@waybill/core';
import { after, afterEach, before, describe, it } from 'mocha';
import { setTimeout as sleep } from 'node:timers/promises';
import { anAppend } from '../builders/a-message.js';
import { eventually, SETTLE_MS } from '../builders/waiting.js';
import type { Capabilities, Fixture } from './fixture.js';
import { holdTransaction } from './held-transaction.js';

type Port = 'transactions' | 'outbox' | 'routes' | 'leases' | 'wakeUps';

/** The suite of `WakeUps`: hints that may be lost, and a pulse that may not. */
export function wakeUpsContract<Tx>(
  name: string,
  open: () => Promise<Fixture<Tx, Port>>,
  { processes }: Pick<Capabilities, 'processes'>,
): void {
  describe(`WakeUps of ${name}`, () => {
    let fixture: Fixture<Tx, Port>;
    let stop = new AbortController();
    before(async () => (fixture = await open()));
    after(() => fixture?.close());
    afterEach(() => {
      stop.abort();
      stop = new AbortController();
    });

    const commit = (stream: string): Promise<unknown> =>
      fixture.database.transactions.run((tx) => fixture.database.outbox.append([anAppend(stream)], tx));
    function listen(wakeUps: WakeUps = fixture.database.wakeUps): { readonly hints: readonly WakeHint[]; readonly ended: Promise<void> } {
      const hints: WakeHint[] = [];
      return { hints, ended: wakeUps.listen((hint) => hints.push(hint), stop.signal) };
    }
    /** Nudges until the listener has heard it: a hint may be lost while a connection is being made. */
    const nudgeUntilHeard = (
      from: WakeUps,
      hints: readonly WakeHint[],
      kind: WakeHint['kind'],
      hashes: readonly number[],
    ): Promise<WakeHint> =>
      eventually('hearing a nudge', async () => {
        from.nudge(kind, hashes);
        await sleep(SETTLE_MS);
        return hints[0];
      });
    async function laneCount(): Promise<number> {
      const route = `route-${randomUUID()}`;
      await fixture.database.routes.save({ name: route, order: 'stream', selection: {}, start: 'now' });
      return (await fixture.database.leases.acquire({ route, owner: 'one', leaseMs: 60_000, most: 10_000 })).length;
    }

    it('passes a nudge on to listeners in this process, with the lanes it is about', async () => {
      const lanes = await laneCount();
      const { hints } = listen();

      const hint = await nudgeUntilHeard(fixture.database.wakeUps, hints, 'committed', [streamHash('order-7')]);

      expect(hint).to.deep.equal({ kind: 'committed', lanes: [laneOf(streamHash('order-7'), lanes)] });
    });

    it('passes on that an operator ordered something', async () => {
      const { hints } = listen();

      const hint = await nudgeUntilHeard(fixture.database.wakeUps, hints, 'action', []);

      expect(hint.kind).to.equal('action');
    });

    it('passes a nudge on to every listener', async () => {
      const [one, two] = [listen(), listen()];

      await nudgeUntilHeard(fixture.database.wakeUps, one.hints, 'committed', [1]);

      expect(two.hints).to.not.be.empty;
    });

    if (processes) {
      it('passes a nudge on to listeners in other processes', async () => {
        const other = (await fixture.another?.()) ?? fixture.database;
        const { hints } = listen(other.wakeUps);

        const hint = await nudgeUntilHeard(fixture.database.wakeUps, hints, 'committed', [streamHash('order-7')]);

        expect(hint.kind).to.equal('committed');
      });
    }

    it('neither throws nor waits when nobody listens', () => {
      expect(() => fixture.database.wakeUps.nudge('committed', [1, 2, 3])).to.not.throw();
      expect(fixture.database.wakeUps.nudge('action', [])).to.equal(undefined);
    });

    it('ends listening when the signal aborts, and passes on nothing more', async () => {
      const { hints, ended } = listen();
      await nudgeUntilHeard(fixture.database.wakeUps, hints, 'committed', [1]);

      stop.abort();
      await ended;
      const heard = hints.length;
      fixture.database.wakeUps.nudge('committed', [1]);
      await sleep(SETTLE_MS);

      expect(hints).to.have.length(heard);
    });

    it('does not begin to listen when the signal has aborted', async () => {
      stop.abort();

      await listen().ended;
    });

    it('changes its pulse whenever there is something new to read', async () => {
      const seen = [await fixture.database.wakeUps.pulse()];
      for (let nth = 0; nth < 3; nth++) {
        await commit(`order-${randomUUID()}`);
        seen.push(await fixture.database.wakeUps.pulse());
      }

      for (const [nth, pulse] of seen.entries()) expect(pulse, `pulse ${nth}`).to.not.equal(seen[nth - 1]);
    });

    it('changes its pulse also when a slow transaction commits after a fast one', async () => {
      const slow = await holdTransaction(fixture.database.transactions, (tx) =>
        fixture.database.outbox.append([anAppend(`order-${randomUUID()}`)], tx),
      );
      await commit(`order-${randomUUID()}`);
      const before = await fixture.database.wakeUps.pulse();

      await slow.commit();

      expect(await fixture.database.wakeUps.pulse()).to.not.equal(before);
    });
  });
}
