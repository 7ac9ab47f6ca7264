import { InvalidOptionsError } from '../errors.js';
import { Catalogue } from '../message/catalogue.js';
import type { MessageDefinition } from '../message/definition.js';
import type { FoundHandler } from './handler-declaration.js';

/** @throws {@link InvalidOptionsError} two handlers of one name, or two of one command */
export function refuseWrongHandlers(handlers: readonly FoundHandler[]): void {
  const names = new Map<string, FoundHandler>();
  const commands = new Map<string, FoundHandler>();
  for (const handler of handlers) {
    const sameName = names.get(handler.name);
    if (sameName)
      throw new InvalidOptionsError(
        `Two handlers are named "${handler.name}": ${whereIs(sameName)} and ${whereIs(handler)}. The inbox remembers by name, so one would hide the other.`,
      );
    names.set(handler.name, handler);
    for (const type of commandsOf(handler)) {
      const other = commands.get(type);
      if (other)
        throw new InvalidOptionsError(
          `A command has exactly one handler, and ${type} has two: ${whereIs(other)} and ${whereIs(handler)}. Take one away, or make it an event.`,
        );
      commands.set(type, handler);
    }
  }
}

/** @throws {@link InvalidOptionsError} a handler is of an event that is not in the catalogue */
export function refuseStrangers(handled: readonly MessageDefinition[], definitions: readonly MessageDefinition[]): void {
  const catalogue = new Catalogue(definitions);
  const stranger = handled.find(({ type }) => !catalogue.find(type));
  if (stranger)
    throw new InvalidOptionsError(
      `A handler is of ${stranger.type}, which is not in the catalogue. Is it the definition that its senders use? Add it, or take the handler away.`,
    );
}

const commandsOf = ({ events }: FoundHandler): ReadonlySet<string> =>
  new Set(events.filter(({ kind }) => kind === 'command').map(({ type }) => type));

const whereIs = ({ target, property }: FoundHandler): string => `${target.constructor.name}.${String(property)}()`;
