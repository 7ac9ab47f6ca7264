import { isDeepStrictEqual } from 'node:util';
import type { EventOnRecord } from './evidence.js';

/** What can be wrong with a stream in EventStoreDB. */
export type StreamFault = 'lost' | 'doubled' | 'reordered' | 'changed' | 'foreign';

export interface StreamFinding {
  readonly fault: StreamFault;
  readonly what: string;
}

/** Every difference between what was committed to a stream and what EventStoreDB has of it. */
export function compareStream(stream: string, committed: readonly EventOnRecord[], stored: readonly EventOnRecord[]): StreamFinding[] {
  const findings: StreamFinding[] = [];
  const copies = new Map<string, EventOnRecord[]>();
  for (const event of stored) copies.set(event.id, [...(copies.get(event.id) ?? []), event]);

  for (const event of committed) {
    const name = `${stream}@${event.revision} (${event.type})`;
    const [first, ...more] = copies.get(event.id) ?? [];
    copies.delete(event.id);
    if (!first) {
      findings.push({ fault: 'lost', what: `${name} was committed and is not in EventStoreDB` });
      continue;
    }
    for (const again of more) findings.push({ fault: 'doubled', what: `${name} is there again at revision ${again.revision}` });
    if (first.revision !== event.revision) findings.push({ fault: 'reordered', what: `${name} is at revision ${first.revision}` });
    if (first.type !== event.type) findings.push({ fault: 'changed', what: `${name} has become a ${first.type}` });
    else if (!isDeepStrictEqual(first.data, event.data)) findings.push({ fault: 'changed', what: `${name} has another payload` });
  }
  for (const [stranger] of copies.values()) {
    findings.push({ fault: 'foreign', what: `${stream}@${stranger!.revision} (${stranger!.type}) was never committed` });
  }
  return findings;
}
