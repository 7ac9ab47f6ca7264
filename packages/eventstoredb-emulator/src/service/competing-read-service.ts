import type { handleBidiStreamingCall, ServerDuplexStream } from '@grpc/grpc-js';
import type { FaultPlan } from '../faults/fault-plan.js';
import type { Consumer } from '../persistent/consumer.js';
import { ALL, keyOf } from '../persistent/group-definition.js';
import type { NackAction, SubscriptionGroup } from '../persistent/subscription-group.js';
import type { SubscriptionGroups } from '../persistent/subscription-groups.js';
import { sourceOf } from '../wire/group-definition.js';
import type { CompetingReadRequest } from '../wire/group-messages.js';
import { readNotice } from '../wire/messages.js';
import type { Uuid } from '../wire/messages.js';
import { encodeCompetingEvent } from '../wire/read-event.js';
import { asServerError, exceptionThrown, groupMissing, tooManySubscribers } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';
import { uuidOf } from '../wire/uuid.js';

type Call = ServerDuplexStream<CompetingReadRequest, Buffer>;

const NACK_ACTIONS: readonly NackAction[] = ['retry', 'park', 'retry', 'skip', 'stop']; // the first is "unknown"

/** The `Read` call of a persistent subscription: says first which group, then takes events and answers them. */
export function competingReadService(groups: SubscriptionGroups, faults: FaultPlan): handleBidiStreamingCall<CompetingReadRequest, Buffer> {
  return (call) => {
    const reading = new CompetingRead(call, groups, faults);
    call.on('data', (request: CompetingReadRequest) => faults.whenHeard(() => reading.take(request)));
    call.on('end', () => call.end());
    for (const event of ['cancelled', 'close', 'error', 'end'] as const) call.on(event, () => reading.close());
  };
}

class CompetingRead {
  #group: SubscriptionGroup | undefined;
  #consumer: Consumer | undefined;

  constructor(
    private readonly call: Call,
    private readonly groups: SubscriptionGroups,
    private readonly faults: FaultPlan,
  ) {}

  take({ options, ack, nack }: CompetingReadRequest): void {
    if (this.call.cancelled || this.call.writableEnded) return;
    if (options && !this.#group) this.#begin(options);
    else if (ack) this.#group?.ack(idsOf(ack.ids));
    else if (nack) this.#group?.nack(idsOf(nack.ids), NACK_ACTIONS[nack.action] ?? 'skip', nack.reason);
    else this.#end(exceptionThrown());
  }

  close(): void {
    if (this.#consumer) this.#group?.disconnect(this.#consumer);
  }

  #begin(options: NonNullable<CompetingReadRequest['options']>): void {
    if (this.faults.refusal) return this.#end(this.faults.refusal);
    const source = sourceOf(options);
    if (source === undefined) return this.#end(exceptionThrown());
    const name = { source, group: options.groupName };
    const group = this.groups.find(name);
    if (!group) return this.#end(groupMissing(name));

    const ofAll = source === ALL;
    const consumer = group.connect({
      from: this.call.getPeer(),
      connectionName: String(this.call.metadata.get('connection-name')[0] ?? '<unknown>'),
      bufferSize: options.bufferSize,
      send: ({ resolved, retryCount }) => void this.call.write(encodeCompetingEvent(resolved, retryCount, { ofAll })),
      end: (failure) => this.#end(failure),
    });
    if (!consumer) return this.#end(tooManySubscribers(name));
    [this.#group, this.#consumer] = [group, consumer];
    this.call.write(readNotice.encode({ confirmation: { subscriptionId: keyOf(name) } }));
  }

  #end(failure: Failure): void {
    this.call.emit('error', asServerError(failure));
  }
}

function idsOf(ids: readonly Uuid[]): string[] {
  return ids.map(uuidOf).filter((id) => id !== undefined);
}
