import { STREAMS } from '../backlog.js';
import { withFilledLog } from '../eventstoredb/filled-log.js';
import type { FilledLog } from '../eventstoredb/filled-log.js';
import type { Figure, Verdict } from '../figure.js';
import { costOfEach } from '../processor.js';
import type { Scratch } from '../scratch.js';
import type { Shop } from '../shop.js';
import type { Sizes } from '../sizes.js';
import { median } from '../statistics.js';
import { FollowingProcess } from './following-process.js';

const ALLOWED_MB = 50;
const EVENTS_A_PART = 10_000;
const MOST_PARTS = 10;

/** A write for each event takes most of the time: with it, it is a tenth of the events. */
const WRITTEN_SHARE = 0.1;

/**
 * A projection catches up with a log, beside the same by hand, each in a process of its own: with a write for each event, and with none.
 *
 * They take turns, part by part of the log, so that a machine that is busy for a while is so for both.
 */
export async function follow<Tx>({ followedEvents }: Sizes, scratch: Scratch<Tx>): Promise<readonly Figure[]> {
  const streams = Math.min(STREAMS, Math.ceil(followedEvents / 200));
  return [
    ...(await withFilledLog({ events: followedEvents * WRITTEN_SHARE, streams }, (log) => catchUp(log, scratch, true))),
    ...(await withFilledLog({ events: followedEvents, streams }, (log) => catchUp(log, scratch, false))),
  ];
}

async function catchUp<Tx>(log: FilledLog, scratch: Scratch<Tx>, writes: boolean): Promise<readonly Figure[]> {
  const { url, category, server, streams, each } = log;
  const events = streams * each;
  const shops = { ours: await scratch.shop(), byHand: await scratch.shop() };
  const ours = await FollowingProcess.start({ by: 'ours', address: shops.ours.address, url, category, writes });
  const byHand = await FollowingProcess.start({ by: 'byHand', address: shops.byHand.address, url, category, writes });
  const parts = Math.max(1, Math.min(MOST_PARTS, Math.floor(events / EVENTS_A_PART)));
  for (let part = 1; part <= parts; part++) {
    const through = Math.floor((events * part) / parts);
    for (const one of part % 2 === 0 ? [ours, byHand] : [byHand, ours]) await one.follow(through);
  }
  await Promise.all([ours.end(), byHand.end()]);

  const name = `${events} events of ${server}, ${writes ? 'a write for each' : 'none written'}`;
  const [verdict, itsVerdict] = [await verdictOn(ours, shops.ours, log, writes), await verdictOn(byHand, shops.byHand, log, writes)];
  const yardstick = 'raw subscription, the same batches by hand';
  return [
    {
      ...{ section: 'follow', name: `catching up with ${name}`, unit: 'events/s', ours: ours.rate, verdict },
      yardstick: { name: yardstick, value: byHand.rate, verdict: itsVerdict },
      ratio: median(ours.rates.map((rate, part) => rate / byHand.rates[part]!)),
    },
    {
      ...{
        section: 'follow',
        name: `resident meanwhile, ${name}, +-`,
        unit: 'MB',
        ours: ours.swing,
        verdict: ours.residentVerdict(verdict),
      },
      yardstick: { name: yardstick, value: byHand.swing, verdict: byHand.residentVerdict(itsVerdict) },
      target: { text: `+-${ALLOWED_MB} MB`, met: ours.swing <= ALLOWED_MB },
    },
  ];
}

/** Of each stream all events were added, each once; and the process needed so much for each. */
async function verdictOn<Tx>(
  { total, processorMs }: FollowingProcess,
  { totals, database }: Shop<Tx>,
  { streams, each }: FilledLog,
  writes: boolean,
): Promise<Verdict> {
  const events = streams * each;
  const counts = await totals.counts();
  const written = writes ? counts.length === streams && counts.every((count) => count === each) : counts.length === 0;
  const stored = (await database.subscriptions.all()).every(({ messages }) => messages === BigInt(events));
  if (total === events && written && stored) return { right: true, found: `${events} once, ${costOfEach(processorMs, events)}` };
  return {
    right: false,
    found: `of ${events} in ${streams} streams: ${total} followed, ${counts.reduce((sum, count) => sum + count, 0)} written`,
  };
}
