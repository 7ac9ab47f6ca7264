import type { Database, MessagePlace, OutboxStore, Retention } from '@waybill/core';
import type { InMemoryDatabase, InMemoryTx } from '@waybill/core/in-memory';
import { overlay } from './broken-database.js';

interface Place extends MessagePlace {
  readonly recordedAt: Date;
}

/** What a careless removal takes for proof, or does not care about. */
export type Carelessness =
  | 'takes the word of one route'
  | 'forgets stopped streams'
  | 'needs no proof'
  | 'begins at the end'
  | 'takes what is young'
  | 'counts what was gone already';

/** Removal as it is often written: right but for one thing. */
export function carelessRetention(carelessness: Carelessness) {
  return (real: InMemoryDatabase): Partial<Database<InMemoryTx>> => {
    let places: Place[] = [];
    const removed = new Set<string>();
    const keyOf = ({ stream, revision }: MessagePlace): string => JSON.stringify([stream, String(revision)]);

    const outbox = overlay<OutboxStore<InMemoryTx>>(real.outbox, {
      append: async (appends, tx) => {
        const appended = await real.outbox.append(appends, tx);
        for (const [index, { stream, messages }] of appends.entries()) {
          const first = appended.firstRevisions[index]!;
          const appendedPlaces = messages.map((_, offset) => ({ stream, revision: first + BigInt(offset), recordedAt: new Date() }));
          tx.onCommit(() => places.push(...appendedPlaces));
        }
        return appended;
      },
      headAndTail: async (stream, from, tx) => {
        const { head, tail } = await real.outbox.headAndTail(stream, from, tx);
        return { head, tail: tail.filter((message) => !removed.has(keyOf(message))) };
      },
    });

    async function isDone(place: MessagePlace): Promise<boolean> {
      const routes = (await real.routes.all()).filter(({ retiredAt }) => !retiredAt);
      if (carelessness === 'needs no proof') return true;
      const done = await Promise.all(
        routes.map(async ({ name }) => {
          const [told] = await real.status.progress(name, [place]);
          return told?.passed === true || (carelessness === 'forgets stopped streams' && told?.stopped !== undefined);
        }),
      );
      return carelessness === 'takes the word of one route' ? done.includes(true) : done.length > 0 && !done.includes(false);
    }

    const retention = overlay<Retention>(real.retention, {
      removeMessages: async ({ olderThanMs, most }) => {
        const before = Date.now() - (carelessness === 'takes what is young' ? 0 : olderThanMs);
        const going: Place[] = [];
        for (const place of carelessness === 'begins at the end' ? [...places].reverse() : places) {
          if (going.length === most) break;
          if (place.recordedAt.getTime() <= before && (await isDone(place))) going.push(place);
        }
        const still = going.filter((place) => !removed.has(keyOf(place))); // somebody else may have been faster
        for (const place of still) removed.add(keyOf(place));
        places = places.filter((place) => !removed.has(keyOf(place)));
        return (carelessness === 'counts what was gone already' ? going : still).length;
      },
    });
    return { outbox, retention };
  };
}
