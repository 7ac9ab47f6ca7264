import { InvalidOptionsError, InvalidPayloadError, UnknownMessageTypeError } from '../errors.js';
import type { MessageDefinition } from './definition.js';
import type { DomainEvent } from './domain-event.js';
import type { Message } from './message.js';
import type { RecordedMessage, StoredMessage } from './stored-message.js';

/** A payload ready for the outbox, and the validated data it was made from. */
export interface EncodedPayload extends Pick<StoredMessage, 'type' | 'kind' | 'schemaVersion' | 'codec' | 'payload'> {
  readonly data: unknown;
}

/** All that an application may emit or append, by type name: encodes on commit, decodes and upcasts on read. */
export class Catalogue {
  readonly #byType = new Map<string, MessageDefinition>();

  /** @throws {@link InvalidOptionsError} two definitions claim one type name */
  constructor(readonly definitions: readonly MessageDefinition[]) {
    for (const definition of definitions) {
      for (const name of [definition.type, ...definition.formerly]) {
        const other = this.#byType.get(name);
        if (other && other !== definition) {
          throw new InvalidOptionsError(
            `Two definitions in the catalogue claim the type name "${name}": ${other.type} and ${definition.type}. Rename one of them.`,
          );
        }
        this.#byType.set(name, definition);
      }
    }
  }

  /** Finds a definition by today's type name or by a former one. */
  find(type: string): MessageDefinition | undefined {
    return this.#byType.get(type);
  }

  /**
   * Validates an event and makes its payload.
   *
   * @throws {@link UnknownMessageTypeError}, {@link InvalidPayloadError}
   */
  encode(event: DomainEvent): EncodedPayload {
    const definition = this.#byType.get(event.type);
    if (definition?.type !== event.type) throw new UnknownMessageTypeError(event.type);
    const data = definition.validate(event.data);
    const payload = payloadText(definition, data);
    proveRoundTrip(definition, payload);
    return {
      type: event.type,
      kind: definition.kind,
      schemaVersion: definition.schemaVersion,
      codec: definition.codec.name,
      payload,
      data,
    };
  }

  /** True when this process can bring the message to today's shape; unknown types and newer schema versions it can only pass on. */
  knows({ type, schemaVersion, codec }: Pick<StoredMessage, 'type' | 'schemaVersion' | 'codec'>): boolean {
    const definition = this.#byType.get(type);
    const isVersion = Number.isInteger(schemaVersion) && schemaVersion >= 1; // from elsewhere comes anything
    return definition !== undefined && isVersion && schemaVersion <= definition.schemaVersion && codec === definition.codec.name;
  }

  /**
   * A recorded message in today's shape.
   *
   * @throws {@link UnknownMessageTypeError} the type, or the schema version, is not known to this process
   * @throws {@link InvalidPayloadError} its payload does not fit its schema, or an upcaster failed
   */
  decode({ json, ...recorded }: RecordedMessage): Message {
    const definition = this.#byType.get(recorded.type);
    if (!definition) throw new UnknownMessageTypeError(recorded.type, recorded.stream);
    if (!this.knows(recorded)) {
      throw new UnknownMessageTypeError(
        `${recorded.type}, schema version ${recorded.schemaVersion}, codec ${recorded.codec}`,
        recorded.stream,
      );
    }
    const data = definition.upcast(definition.codec.decode(json), recorded.schemaVersion);
    return { ...recorded, type: definition.type, schemaVersion: definition.schemaVersion, data };
  }
}

// A schema without coercion (z.date()) accepts its output but not what JSON makes of it: such a message would be stored and could
// never be read. Each is read back before it is stored; a stuck lane, or an aggregate that cannot be loaded, costs more.
function proveRoundTrip(definition: MessageDefinition, payload: string): void {
  try {
    definition.validate(definition.codec.decode(JSON.parse(payload)));
  } catch (cause) {
    const detail = cause instanceof Error ? cause.message : String(cause);
    const message = `it does not survive its codec "${definition.codec.name}" (${detail}); let the schema coerce, or choose another codec`;
    throw new InvalidPayloadError(definition.type, [{ message }], { cause });
  }
}

/** @throws {@link InvalidPayloadError} the data cannot be written as JSON */
export function payloadText(definition: MessageDefinition, data: unknown): string {
  const refuse = (message: string, cause?: unknown): InvalidPayloadError =>
    new InvalidPayloadError(definition.type, [{ message }], { cause });
  let text: string | undefined;
  try {
    text = JSON.stringify(definition.codec.encode(data));
  } catch (cause) {
    throw refuse(`it cannot be written as JSON (${String(cause)}); for bigint, Date, Map or Set use { codec: superjsonCodec }`, cause);
  }
  if (text === undefined) throw refuse(`${typeof data} is not a payload; use null or {} for an event without data`);
  if (text.includes('"__proto__"')) refusePrototypeKeys(definition.type, JSON.parse(text));
  return text;
}

/** @throws {@link InvalidPayloadError} parsed JSON that would poison objects of its readers */
export function refusePrototypeKeys(type: string, json: unknown): void {
  if (holdsPrototypeKey(json))
    throw new InvalidPayloadError(type, [{ message: 'it holds a key "__proto__", which would poison objects of its readers' }]);
}

function holdsPrototypeKey(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return Object.hasOwn(value, '__proto__') || Object.values(value).some(holdsPrototypeKey);
}
