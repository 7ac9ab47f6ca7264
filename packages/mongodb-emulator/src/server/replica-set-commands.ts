import { Long } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { ServerCommand, ServerCommandContext } from './server-command.js';

const DEFAULT_STEP_DOWN_SECONDS = 60;

/** `replSet...`: what there is of it for a set that has one member. */
export function replicaSetCommands(context: ServerCommandContext): [string, ServerCommand][] {
  const inReplicaSet =
    (command: (body: Document, setName: string) => Document): ServerCommand =>
    (body) => {
      const { replicaSet } = context.topology;
      if (replicaSet === undefined) throw new ServerError(76, 'not running with --replSet');
      return command(body, replicaSet);
    };
  return [
    ['replSetGetStatus', inReplicaSet((_, setName) => status(context, setName))],
    ['replSetGetConfig', inReplicaSet((_, setName) => configuration(context, setName))],
    ['replSetInitiate', inReplicaSet(refuseInitiation)],
    ['replSetStepDown', inReplicaSet((body) => stepDown(context, body))],
  ];
}

function status({ topology, address }: ServerCommandContext, setName: string): Document {
  const [state, stateStr] = topology.isPrimary ? [1, 'PRIMARY'] : [2, 'SECONDARY'];
  return {
    set: setName,
    date: new Date(),
    myState: state,
    term: Long.fromNumber(topology.term),
    members: [{ _id: 0, name: address(), health: 1, state, stateStr, self: true }],
  };
}

function configuration({ topology, address }: ServerCommandContext, setName: string): Document {
  return {
    config: {
      _id: setName,
      version: 1,
      term: topology.term,
      members: [{ _id: 0, host: address(), arbiterOnly: false, hidden: false, priority: 1, votes: 1 }],
      protocolVersion: Long.fromNumber(1),
      settings: { replicaSetId: topology.replicaSetId },
    },
  };
}

function refuseInitiation(): never {
  throw new ServerError(23, 'already initialized');
}

function stepDown({ topology, stepDown: begin }: ServerCommandContext, body: Document): Document {
  if (!topology.isPrimary) throw new ServerError(CODES.NotWritablePrimary, "not primary so can't step down");
  const seconds = Number(body.replSetStepDown);
  begin((seconds > 0 ? seconds : DEFAULT_STEP_DOWN_SECONDS) * 1000);
  return {};
}
