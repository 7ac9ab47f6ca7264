import { TargetUnavailableError } from '../errors.js';
import type { Arrival, UnreadableMessage } from '../receiver/arrival.js';
import type { ArrivedMessage } from '../receiver/arrived-message.js';
import type { EventLog, FollowOptions, LogEntry } from '../subscription/event-log.js';
import { Bell } from '../bell.js';

export interface InMemoryEventLogOptions {
  /** Default `in-memory`. Two logs of one name have the same positions. */
  readonly name?: string;
  /** Which streams it is a log of. Default all. */
  readonly selectsStream?: (stream: string) => boolean;
}

/** A log to follow in tests. It can break, fall silent, and lose its end as a restored backup does. */
export class InMemoryEventLog implements EventLog {
  readonly name: string;
  readonly positions: string;
  readonly unit = 'events';
  readonly #selectsStream: (stream: string) => boolean;
  readonly #entries: Arrival[] = [];
  readonly #changed = new Bell();
  #state: 'well' | 'broken' | 'mute' = 'well';
  #follows = 0;
  #handedOut = 0;

  constructor({ name = 'in-memory', selectsStream = () => true }: InMemoryEventLogOptions = {}) {
    this.name = name;
    this.positions = `in-memory log ${name}`;
    this.#selectsStream = selectsStream;
  }

  /** How often it was followed, the first time included. */
  get follows(): number {
    return this.#follows;
  }

  /** How many messages it has handed out, those that came again included. */
  get handedOut(): number {
    return this.#handedOut;
  }

  append(...messages: readonly ArrivedMessage[]): void {
    this.#add(messages.map((message) => ({ kind: 'message', message })));
  }

  /** Something that can be no message, as another program might write it. */
  appendUnreadable(unreadable: UnreadableMessage): void {
    this.#add([{ kind: 'unreadable', unreadable }]);
  }

  /** From now on nobody can reach it; who follows it is cut off. */
  break(): void {
    this.#become('broken');
  }

  /** From now on it answers nothing, as if its machine were frozen. */
  mute(): void {
    this.#become('mute');
  }

  heal(): void {
    this.#become('well');
  }

  /** Loses all but its first entries, as a server that was restored from a backup. Who follows it is cut off. */
  restoreTo(count: number): void {
    this.#entries.length = Math.min(count, this.#entries.length);
    this.break();
    this.heal();
  }

  selectsStream(stream: string): boolean {
    return this.#selectsStream(stream);
  }

  async *follow({ after, types, signal }: FollowOptions): AsyncIterable<LogEntry> {
    this.#follows++;
    const isWanted = (arrival: Arrival): boolean => {
      const { type, stream } = arrival.kind === 'message' ? arrival.message : arrival.unreadable;
      return this.#selectsStream(stream) && (types === undefined || types.includes(type));
    };
    const connection = this.#changed.connection();
    if (this.#state === 'broken') throw this.#cutOff();
    let isLive = false;
    for (let at = Number(after ?? 0n); !signal.aborted;) {
      // Also when it is well again by now.
      if (connection.wasCut()) throw this.#cutOff();
      if (this.#state === 'mute' || at >= this.#entries.length) {
        if (this.#state === 'well' && !isLive) {
          isLive = true;
          yield { kind: 'caught-up' };
          continue;
        }
        await this.#changed.next(signal);
        continue;
      }
      const arrival = this.#entries[at++]!;
      const position = BigInt(at);
      if (!isWanted(arrival)) yield { kind: 'passed', position };
      else {
        this.#handedOut++;
        yield { ...arrival, position };
      }
    }
  }

  async last({ signal }: { readonly signal: AbortSignal }): Promise<bigint | undefined> {
    while (this.#state === 'mute' && !signal.aborted) await this.#changed.next(signal);
    signal.throwIfAborted();
    if (this.#state === 'broken') throw this.#cutOff();
    return this.#entries.length === 0 ? undefined : BigInt(this.#entries.length);
  }

  #add(arrivals: readonly Arrival[]): void {
    this.#entries.push(...arrivals);
    this.#changed.ring();
  }

  #become(state: 'well' | 'broken' | 'mute'): void {
    this.#state = state;
    if (state === 'broken') this.#changed.cut();
    else this.#changed.ring();
  }

  #cutOff(): TargetUnavailableError {
    return new TargetUnavailableError(`Log ${this.name}`, 'it was told to be broken');
  }
}
