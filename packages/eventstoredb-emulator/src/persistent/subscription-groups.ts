import type { Appender } from '../append/appender.js';
import type { FaultPlan } from '../faults/fault-plan.js';
import { readStream } from '../read/read-records.js';
import type { Committed, EventStore } from '../store/event-store.js';
import { groupExists, groupFailed, groupMissing } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';
import { strategyByName } from './strategy-by-name.js';
import { ALL, keyOf } from './group-definition.js';
import type { GroupDefinition } from './group-definition.js';
import { startRefused } from './group-reader.js';
import { ServerWriter } from './server-writer.js';
import { SubscriptionGroup } from './subscription-group.js';

export interface SubscriptionGroupsParts {
  readonly store: EventStore;
  readonly appender: Appender;
  readonly faults: FaultPlan;
}

type GroupName = Pick<GroupDefinition, 'source' | 'group'>;

const CONFIGURATION = '$persistentSubscriptionConfig';
const TICK_MS = 250;

/** All persistent subscriptions of the server. Their definitions are events in a stream, so that a restart brings them back. */
export class SubscriptionGroups {
  readonly #writer: ServerWriter;
  readonly #groups = new Map<string, SubscriptionGroup>();
  #timer: NodeJS.Timeout | undefined;
  #stopListening = (): void => {};

  constructor(private readonly parts: SubscriptionGroupsParts) {
    this.#writer = new ServerWriter(parts.appender);
  }

  /** Brings back the groups that the log knows of. */
  open(): void {
    const { store, faults } = this.parts;
    const stream = store.stream(CONFIGURATION);
    const [latest] = stream ? readStream(store, stream, Infinity, 'backwards') : [];
    if (latest) for (const definition of JSON.parse(latest.data.toString()) as GroupDefinition[]) this.#start(definition);
    this.#stopListening = store.onCommitted((committed) => this.#onCommitted(committed));
    this.#timer = setInterval(() => {
      if (!faults.muted) for (const group of this.#groups.values()) group.tick(performance.now());
    }, TICK_MS).unref();
  }

  /** Ends as a process does: nobody is told, and all that is not in the log is forgotten. */
  close(): void {
    this.#stopListening();
    clearInterval(this.#timer);
    for (const group of this.#groups.values()) group.close();
    this.#groups.clear();
  }

  /** What restarting the server's subsystem does: consumers are dropped, and groups go on from their checkpoints. */
  restart(): void {
    for (const group of this.#groups.values()) group.drop();
    this.close();
    this.open();
  }

  /** @param source - only the groups of this stream, or of `$all` */
  list(source?: string): readonly SubscriptionGroup[] {
    return [...this.#groups.values()].filter(({ definition }) => source === undefined || definition.source === source);
  }

  find(name: GroupName): SubscriptionGroup | undefined {
    return this.#groups.get(keyOf(name));
  }

  /** @returns why not, if it was refused */
  create(definition: GroupDefinition): Failure | undefined {
    if (this.find(definition)) return groupExists(definition);
    const refusal = refused(definition, this.parts.store);
    if (refusal !== undefined) return groupFailed(definition, refusal);
    this.#start(definition);
    this.#save();
    return undefined;
  }

  /** Its consumers are dropped; its checkpoint, its filter and what it has parked stay. */
  update(definition: GroupDefinition): Failure | undefined {
    const group = this.find(definition);
    if (!group) return groupMissing(definition);
    const { filter } = group.definition;
    const changed = { ...definition, ...(filter && { filter }) };
    const refusal = refused(changed, this.parts.store);
    if (refusal !== undefined) return groupFailed(definition, refusal);
    group.drop();
    this.#start(changed);
    this.#save();
    return undefined;
  }

  delete(name: GroupName): Failure | undefined {
    const group = this.find(name);
    if (!group) return groupMissing(name);
    group.drop();
    group.checkpoint.delete();
    group.parked.delete();
    this.#groups.delete(keyOf(name));
    this.#save();
    return undefined;
  }

  #start(definition: GroupDefinition): void {
    this.#groups.set(keyOf(definition), new SubscriptionGroup({ ...this.parts, definition, writer: this.#writer }));
  }

  #save(): void {
    const definitions = [...this.#groups.values()].map(({ definition }) => definition);
    this.#writer.write(CONFIGURATION, { type: '$PersistentConfig', data: JSON.stringify(definitions) });
  }

  #onCommitted({ stream }: Committed): void {
    for (const group of this.#groups.values()) if (group.definition.source === ALL || group.definition.source === stream) group.pumpSoon();
  }
}

function refused(definition: GroupDefinition, store: EventStore): string | undefined {
  const { strategy, readBatchSize, historyBufferSize } = definition.settings;
  if (!strategyByName(strategy)) return `Consumer strategy ${strategy} does not exist.`;
  if (readBatchSize >= historyBufferSize) return 'readBatchSize may not be greater than or equal to bufferSize';
  return startRefused(definition, store);
}
