import { InvalidOptionsError } from '../errors.js';
import type { HandlerFailurePolicy, HandlerRetry } from '../handler/handler-retry.js';
import type { EventOf, MessageDefinition } from '../message/definition.js';
import type { Message } from '../message/message.js';
import { checkDefinition } from './process-definition.js';
import type { ProcessDefinition, Reaction } from './process-definition.js';
import type { Process } from './process.js';
import type { StateOf } from './process-state.js';
import type { StepOptions } from './process-step.js';

export interface ProcessManagerOptions<Defined extends MessageDefinition, Step extends string, Timeout extends string> {
  /** What a process remembers: `const FulfilmentState = defineState(schema)`. A constant of its own: written in place, its type is not seen. */
  readonly state: Defined;
  /** What it remembers when it begins. */
  readonly initial: () => StateOf<Defined>;
  /** By durable name. A step stays here for as long as processes have it, also when no more are begun. */
  readonly steps: { readonly [Name in Step]: StepOptions<StateOf<Defined>, NoInfer<Step>, NoInfer<Timeout>> };
  /** What happens when a time-out fires, by durable name. Not called once the process runs no more. */
  readonly timeouts?: { readonly [Name in Timeout]: (process: Process<StateOf<Defined>, NoInfer<Step>, NoInfer<Timeout>>) => unknown };
  /** How often a status query is asked before the step becomes a case for a person. Default 5. */
  readonly statusAttempts?: number;
  /** Tries in place, and what becomes of a message that fails: as of every handler. */
  readonly retry?: HandlerRetry;
  readonly onFailure?: HandlerFailurePolicy;
}

export interface ReactionOptions<Event extends MessageDefinition> {
  /** Which process the message belongs to; `undefined`: to none. At most 500 bytes. */
  readonly key: (message: Message<EventOf<Event>>) => string | undefined;
}

export interface LaterReactionOptions<Event extends MessageDefinition> extends ReactionOptions<Event> {
  /** What becomes of a message whose process never began. Default `ignore`; `fail`: it comes again, by the policy of its handler. */
  readonly whenUnknown?: 'ignore' | 'fail';
}

/** A kind of process, as it is passed to {@link ProcessManagers}. */
export interface ProcessManager<in Tx = unknown> {
  readonly name: string;
  readonly definition: ProcessDefinition;
  /** Compile-time only: the transaction that its handlers want. */
  readonly wants?: (tx: Tx) => void;
}

/** Immutable: every call gives another one. */
export interface ProcessManagerBuilder<State, Step extends string, Timeout extends string, Tx> extends ProcessManager<Tx> {
  /** Types the `tx` of the handlers that follow. */
  withTx<Other extends Tx>(): ProcessManagerBuilder<State, Step, Timeout, Other>;

  /** A message that begins a process, and is handled like any other where it has begun. */
  startsWith<const Event extends MessageDefinition>(
    event: Event,
    options: ReactionOptions<Event>,
    react: (message: Message<EventOf<Event>>, process: Process<State, Step, Timeout, Tx>) => Promise<unknown>,
  ): ProcessManagerBuilder<State, Step, Timeout, Tx>;

  /** A message for a process that has begun, also when it is over: late messages are told to it. */
  on<const Event extends MessageDefinition>(
    event: Event,
    options: LaterReactionOptions<Event>,
    react: (message: Message<EventOf<Event>>, process: Process<State, Step, Timeout, Tx>) => Promise<unknown>,
  ): ProcessManagerBuilder<State, Step, Timeout, Tx>;
}

/**
 * Starts a kind of process that waits: `processManager('fulfilment', { state, initial, steps }).startsWith(OrderPlaced, { key }, ...)`.
 *
 * State, steps, time-outs and what is sent change in one transaction, behind the inbox. What a process sends goes into one stream,
 * under the ordering key `<name>-<key>`: nothing overtakes.
 *
 * @param name - durable: processes are stored, and messages remembered as handled, under it
 * @throws {@link InvalidOptionsError} what cannot work, or a step that neither says how it is taken back nor that it cannot be
 */
export function processManager<Defined extends MessageDefinition, Step extends string = never, Timeout extends string = never>(
  name: string,
  options: ProcessManagerOptions<Defined, Step, Timeout>,
): ProcessManagerBuilder<StateOf<Defined>, Step, Timeout, unknown> {
  const { state, initial, steps, timeouts = {}, statusAttempts = 5, retry, onFailure } = options;
  const definition = { name, state, initial, steps, timeouts, statusAttempts, retry, onFailure };
  checkDefinition(definition);
  return build({ ...definition, reactions: [] });
}

function build<State, Step extends string, Timeout extends string, Tx>(
  definition: ProcessDefinition,
): ProcessManagerBuilder<State, Step, Timeout, Tx> {
  const and = (reaction: Reaction): ProcessManagerBuilder<State, Step, Timeout, Tx> => {
    if (definition.reactions.some(({ event }) => event.type === reaction.event.type))
      throw new InvalidOptionsError(`Process "${definition.name}" handles ${reaction.event.type} twice. Put both into one function.`);
    return build({ ...definition, reactions: [...definition.reactions, reaction] });
  };
  return {
    name: definition.name,
    definition,
    withTx: () => build(definition),
    startsWith: (event, { key }, react) => and({ event, key, react, starts: true, whenUnknown: 'ignore' }),
    on: (event, { key, whenUnknown = 'ignore' }, react) => and({ event, key, react, starts: false, whenUnknown }),
  };
}
