import type { handleUnaryCall, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { FaultPlan } from '../faults/fault-plan.js';
import { ALL } from '../persistent/group-definition.js';
import type { GroupDefinition } from '../persistent/group-definition.js';
import { groupInfoOf } from '../persistent/group-info.js';
import type { SubscriptionGroup } from '../persistent/subscription-group.js';
import type { SubscriptionGroups } from '../persistent/subscription-groups.js';
import type { EventStore } from '../store/event-store.js';
import { streamNameOf } from '../wire/append-messages.js';
import { groupDefinitionOf, sourceOf } from '../wire/group-definition.js';
import { groupInfoResponse, listGroupsResponse } from '../wire/group-messages.js';
import type { DefineGroupRequest, GroupRequest, ListGroupsRequest, ReplayParkedRequest } from '../wire/group-messages.js';
import { numberOf } from '../wire/int64.js';
import { asServerError, exceptionThrown, groupMissing } from '../wire/statuses.js';
import type { Failure } from '../wire/statuses.js';
import { competingReadService } from './competing-read-service.js';

export interface GroupServicesOptions {
  readonly groups: SubscriptionGroups;
  readonly store: EventStore;
  readonly faults: FaultPlan;
}

const NOTHING = Buffer.alloc(0);

/** The calls about persistent subscriptions. */
export function groupServices({ groups, store, faults }: GroupServicesOptions): UntypedServiceImplementation {
  /** Answers once everything that the call has written is readable. */
  const unary =
    <Request>(handle: (request: Request) => Buffer | Failure | undefined): handleUnaryCall<Request, Buffer> =>
    ({ request }, callback) =>
      faults.whenHeard(() => {
        const answer = faults.refusal ?? handle(request) ?? NOTHING;
        if (!Buffer.isBuffer(answer)) callback(asServerError(answer));
        else store.whenCommitted(() => faults.whenHeard(() => callback(null, answer)));
      });
  const define = (act: (definition: GroupDefinition) => Failure | undefined): handleUnaryCall<DefineGroupRequest, Buffer> =>
    unary((request) => {
      const definition = groupDefinitionOf(request);
      return definition ? act(definition) : exceptionThrown();
    });
  const found = ({ options }: GroupRequest): SubscriptionGroup | Failure => {
    const source = options ? sourceOf(options) : undefined;
    if (source === undefined) return exceptionThrown();
    const name = { source, group: options!.groupName };
    return groups.find(name) ?? groupMissing(name);
  };

  return {
    create: define((definition) => groups.create(definition)),
    update: define((definition) => groups.update(definition)),
    delete: unary((request: GroupRequest) => {
      const group = found(request);
      return 'code' in group ? group : groups.delete(group.definition);
    }),
    getInfo: unary((request: GroupRequest) => {
      const group = found(request);
      return 'code' in group ? group : groupInfoResponse.encode({ subscriptionInfo: groupInfoOf(group, store) });
    }),
    replayParked: unary((request: ReplayParkedRequest) => {
      const group = found(request);
      if ('code' in group) return group;
      group.replayParked(request.options?.limit === 'stopAt' ? numberOf(request.options.stopAt) : undefined);
      return undefined;
    }),
    list: unary(({ options }: ListGroupsRequest) => {
      const only = options?.listForStream;
      const source = only?.all ? ALL : only ? (streamNameOf(only.stream) ?? '') : undefined;
      const listed = groups.list(source);
      if (source !== undefined && listed.length === 0) return groupMissing({ source, group: '' });
      return listGroupsResponse.encode({ subscriptions: listed.map((group) => groupInfoOf(group, store)) });
    }),
    restartSubsystem: unary(() => groups.restart() as undefined),
    read: competingReadService(groups, faults),
  };
}
