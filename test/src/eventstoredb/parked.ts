import type { EventStoreDBClient } from '@eventstore/db-client';

/** What a group has set aside, and why, as the server keeps it: links in a stream of its own. */
export async function parkedIn(
  client: EventStoreDBClient,
  source: string,
  group: string,
): Promise<readonly { readonly id: string; readonly reason: string }[]> {
  const parked: { id: string; reason: string }[] = [];
  try {
    for await (const { event, link } of client.readStream(`$persistentsubscription-${source}::${group}-parked`, { resolveLinkTos: true }))
      if (event && link) parked.push({ id: event.id, reason: (link.metadata as { reason?: string } | undefined)?.reason ?? '' });
  } catch (error) {
    if ((error as { type?: string }).type !== 'stream-not-found') throw error;
  }
  return parked;
}
