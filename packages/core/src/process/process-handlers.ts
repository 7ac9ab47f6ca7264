import { isPlainText } from '../plain-text.js';
import type { Clock } from '../clock.js';
import type { Database } from '../database.js';
import { InvalidOptionsError } from '../errors.js';
import type { HandlerContext } from '../handler/handler-context.js';
import type { FoundHandler, HandlerKind } from '../handler/handler-declaration.js';
import type { Message } from '../message/message.js';
import { actOn } from './process-act.js';
import type { ProcessDefinition, Reaction } from './process-definition.js';
import type { ProcessEvent } from './process-events.js';

export interface ProcessHandlersOptions<Tx> {
  readonly definition: ProcessDefinition;
  readonly stores: Pick<Database<Tx>, 'processes' | 'cases'>;
  readonly clock: Clock;
  readonly newId: () => string;
  readonly tell: (event: ProcessEvent) => void;
}

const LONGEST_KEY_BYTES = 500;

/** A kind of process as one handler, under its name, of all its messages. */
export function processHandler<Tx>(options: ProcessHandlersOptions<Tx>, kind: HandlerKind): FoundHandler {
  const { name, reactions, retry, onFailure } = options.definition;
  return {
    ...{ kind, name, events: reactions.map(({ event }) => event), property: 'handle', target: options.definition },
    ...(retry && { retry }),
    ...(onFailure && { onFailure }),
    method: (message: Message, context: HandlerContext<Tx>) => handle(options, message, context),
  };
}

async function handle<Tx>(
  { definition, stores, clock, newId, tell }: ProcessHandlersOptions<Tx>,
  message: Message,
  context: HandlerContext<Tx>,
): Promise<void> {
  const { name } = definition;
  const reaction = definition.reactions.find(({ event }) => event.type === message.type)!;
  const key = keyOf(definition, reaction, message);
  if (key === undefined) return;
  const stored = await stores.processes.lock({ process: name, key }, context.tx);
  if (stored || reaction.starts) {
    const { correlationId } = message.metadata;
    await actOn({ definition, stores, context, clock, newId, key, stored, correlationId }, (process) =>
      reaction.react(message as never, process as never),
    );
    return;
  }
  if (reaction.whenUnknown === 'fail')
    throw new Error(`no process "${name}" with key "${key}" has begun; ${message.type} comes again, by the policy of its handler`);
  tell({ name: 'unknown', event: { process: name, key, messageId: message.id, type: message.type } });
}

function keyOf({ name }: ProcessDefinition, { key }: Reaction, message: Message): string | undefined {
  const found: unknown = key(message as never);
  if (found === undefined) return undefined;
  if (isPlainText(found) && Buffer.byteLength(found) <= LONGEST_KEY_BYTES) return found;
  throw new InvalidOptionsError(
    `The key of ${message.type} for process "${name}" is ${JSON.stringify(found)}; it must be text of 1 to ${LONGEST_KEY_BYTES} bytes, or undefined when the message is none of its own.`,
  );
}
