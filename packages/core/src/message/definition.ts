import type { StandardSchemaV1 } from '@standard-schema/spec';
import { InvalidOptionsError, InvalidPayloadError } from '../errors.js';
import { jsonCodec } from './codec.js';
import type { PayloadCodec } from './codec.js';
import type { DomainEvent } from './domain-event.js';
import type { Message, MessageKind } from './message.js';

/** What any definition can be used as where its payload does not matter: catalogues, filters, handler lists. */
export interface MessageDefinition {
  readonly kind: MessageKind;
  readonly type: string;
  /** 1 for the first schema, one more for each {@link Definition.next}. Stored with every message. */
  readonly schemaVersion: number;
  /** Type names that this one was stored under before. */
  readonly formerly: readonly string[];
  readonly codec: PayloadCodec;
  /**
   * Today's payload, checked: what the newest schema makes of `data`.
   *
   * @throws {@link InvalidPayloadError}
   */
  validate(data: unknown): unknown;
  /**
   * Data of an older schema version, checked and brought to today's shape.
   *
   * @throws {@link InvalidPayloadError}
   */
  upcast(data: unknown, schemaVersion: number): unknown;
}

/** One value that is the constructor, the type name, the schema with its history, and the token for handlers and filters. */
export interface Definition<Type extends string, Data> extends MessageDefinition {
  (data: Data): DomainEvent<Type, Data>;
  readonly type: Type;
  /** Narrows any message to this one. */
  readonly is: (message: Message) => message is Message<DomainEvent<Type, Data>>;
  /** Adds a schema version. Rows written in the old shape are read, handled and dispatched in the new one. */
  next<Schema extends StandardSchemaV1>(
    schema: AcceptsItsOutput<Schema>,
    upcast: (data: Data) => StandardSchemaV1.InferInput<Schema>,
  ): Definition<Type, StandardSchemaV1.InferOutput<Schema>>;
}

/** The event type of one or several definitions: `type OrderPlaced = EventOf<typeof OrderPlaced>`. */
export type EventOf<Defined extends MessageDefinition> =
  Defined extends Definition<infer Type, infer Data> ? DomainEvent<Type, Data> : DomainEvent;

/** Stored data is validated again on every read, so a schema must accept what it returns (defaults and coercion do). */
export type AcceptsItsOutput<Schema extends StandardSchemaV1> =
  StandardSchemaV1.InferOutput<Schema> extends StandardSchemaV1.InferInput<Schema>
    ? Schema
    : 'An event schema must accept its own output: what it returned is stored and validated again on every read';

export interface DefinitionOptions {
  /** Type names this one was stored under before. */
  readonly formerly?: readonly string[];
  /** How payloads become JSON. Default: {@link jsonCodec}; `superjsonCodec` of `@waybill/core/superjson` keeps bigint and Date. */
  readonly codec?: PayloadCodec;
}

/** Defines an event: `const OrderPlaced = defineEvent('OrderPlaced', z.object({ customerId: z.string() }))`. */
export function defineEvent<const Type extends string, Schema extends StandardSchemaV1>(
  type: Type,
  schema: AcceptsItsOutput<Schema>,
  options?: DefinitionOptions,
): Definition<Type, StandardSchemaV1.InferOutput<Schema>> {
  return define('event', type, [{ schema: schema as StandardSchemaV1 }], options);
}

/** Like an event, but for one recipient: the dispatcher refuses to start unless exactly one route names it in `only`. */
export function defineCommand<const Type extends string, Schema extends StandardSchemaV1>(
  type: Type,
  schema: AcceptsItsOutput<Schema>,
  options?: DefinitionOptions,
): Definition<Type, StandardSchemaV1.InferOutput<Schema>> {
  return define('command', type, [{ schema: schema as StandardSchemaV1 }], options);
}

/** A payload that is typed but not validated. */
export function unchecked<Data>(): StandardSchemaV1<Data, Data> {
  return { '~standard': { version: 1, vendor: 'waybill', validate: (value) => ({ value: value as Data }) } };
}

interface SchemaVersion {
  readonly schema: StandardSchemaV1;
  /** From the version before; absent for the first. */
  readonly upcast?: (data: never) => unknown;
}

function define<Type extends string, Data>(
  kind: MessageKind,
  type: Type,
  versions: readonly SchemaVersion[],
  options: DefinitionOptions = {},
): Definition<Type, Data> {
  if (type === '' || type.includes('\0') || !type.isWellFormed())
    throw new InvalidOptionsError(`A message type needs a name that every store can keep; ${JSON.stringify(type)} is none.`);
  const { formerly = [], codec = jsonCodec } = options;
  const schemaVersion = versions.length;
  const construct = (data: Data): DomainEvent<Type, Data> => ({ type, data });

  return Object.assign(construct, {
    kind,
    type,
    schemaVersion,
    formerly,
    codec,
    is: (message: Message): message is Message<DomainEvent<Type, Data>> => message.type === type,
    validate: (data: unknown) => check(type, versions[schemaVersion - 1]!.schema, data),
    upcast: (data: unknown, from: number) => upcast(type, versions, data, from),
    next: (schema: unknown, step: (data: never) => unknown) =>
      define<Type, never>(kind, type, [...versions, { schema: schema as StandardSchemaV1, upcast: step }], options),
  }) as unknown as Definition<Type, Data>;
}

function upcast(type: string, versions: readonly SchemaVersion[], stored: unknown, from: number): unknown {
  let data = check(type, versions[from - 1]!.schema, stored);
  for (const { schema, upcast: step } of versions.slice(from)) {
    data = check(
      type,
      schema,
      attempt(type, 'upcaster', () => step!(data as never)),
    );
  }
  return data;
}

function attempt<Result>(type: string, who: string, step: () => Result): Result {
  try {
    return step();
  } catch (cause) {
    throw new InvalidPayloadError(type, [{ message: `its ${who} threw: ${String(cause)}` }], { cause });
  }
}

function check(type: string, schema: StandardSchemaV1, data: unknown): unknown {
  const result = attempt(type, 'schema', () => schema['~standard'].validate(data));
  if (result instanceof Promise) {
    void result.catch(() => {}); // nobody waits for it, and unhandled it would end the process
    throw new InvalidOptionsError(
      `The schema of "${type}" validates asynchronously (or threw, which some libraries answer so); message schemas must be synchronous.`,
    );
  }
  if (result.issues) throw new InvalidPayloadError(type, result.issues);
  return result.value;
}
