import type { StandardSchemaV1 } from '@standard-schema/spec';
import { TargetUnavailableError } from '../errors.js';
import { Catalogue } from '../message/catalogue.js';
import { defineEvent } from '../message/definition.js';
import type { AcceptsItsOutput, Definition, DefinitionOptions, EventOf, MessageDefinition } from '../message/definition.js';

/** The shape of what a process remembers, with its history: `next(schema, upcast)` adds a version, as of an event. */
export type StateDefinition<State> = Definition<'state', State>;

/** What processes remember: `type FulfilmentState = StateOf<typeof FulfilmentState>`. */
export type StateOf<Defined extends MessageDefinition> = EventOf<Defined>['data'];

/** Defines what processes of a kind remember: `defineState(z.object({ totalCents: z.number() }))`. Validated when it is read and when it is stored. */
export function defineState<Schema extends StandardSchemaV1>(
  schema: AcceptsItsOutput<Schema>,
  options?: Pick<DefinitionOptions, 'codec'>,
): StateDefinition<StandardSchemaV1.InferOutput<Schema>> {
  return defineEvent('state', schema, options);
}

/**
 * A state as it is stored.
 *
 * @throws {@link InvalidPayloadError} it does not fit its schema, or does not survive its codec
 */
export function storedState(definition: MessageDefinition, state: unknown): { readonly state: string; readonly schemaVersion: number } {
  const { payload, schemaVersion } = new Catalogue([definition]).encode({ type: 'state', data: state });
  return { state: payload, schemaVersion };
}

/**
 * A stored state in today's shape.
 *
 * @throws {@link TargetUnavailableError} a newer process wrote it: its message has to wait until this one is deployed too
 * @throws {@link InvalidPayloadError} it does not fit its schema, or an upcaster failed
 */
export function readState(
  process: string,
  definition: MessageDefinition,
  stored: { readonly state: string; readonly schemaVersion: number },
): unknown {
  if (stored.schemaVersion > definition.schemaVersion)
    throw new TargetUnavailableError(
      `process "${process}"`,
      `its state is of schema version ${stored.schemaVersion}, and this process knows it up to ${definition.schemaVersion}; deploy what wrote it`,
    );
  return definition.upcast(definition.codec.decode(JSON.parse(stored.state)), stored.schemaVersion);
}
