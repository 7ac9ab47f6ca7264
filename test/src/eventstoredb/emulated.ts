import { EventStoreDBClient } from '@eventstore/db-client';
import type { Delivery, DeliveryContext, OutboxMessage } from '@waybill/core';
import { EventStoreDB } from '@waybill/eventstoredb';
import type { EventStoreDBOptions } from '@waybill/eventstoredb';
import { EventStoreDBEmulator } from '@waybill/eventstoredb-emulator';
import type { EmulatorOptions } from '@waybill/eventstoredb-emulator';
import { aDeliveryContext } from '@waybill/testing';

export interface EmulatedOptions {
  readonly emulator?: EmulatorOptions;
  readonly eventstore?: EventStoreDBOptions;
  /** What connects, given the emulator's own address. */
  readonly address?: (connectionString: string) => string;
}

/** An emulator and what is connected to it. */
export interface Emulated {
  readonly emulator: EventStoreDBEmulator;
  readonly eventstore: EventStoreDB;
  /** Another EventStoreDB on the same server, as a second process has one. */
  another(options?: EventStoreDBOptions): EventStoreDB;
  /** The plain client: another program. */
  stranger(): EventStoreDBClient;
  deliver(batch: readonly OutboxMessage[], overrides?: Partial<DeliveryContext>): Promise<Delivery>;
  storedIds(stream: string): readonly string[];
  close(): Promise<void>;
}

export function deliverTo(
  eventstore: EventStoreDB,
  batch: readonly OutboxMessage[],
  overrides: Partial<DeliveryContext> = {},
): Promise<Delivery> {
  return eventstore.sink.deliver(batch, aDeliveryContext(overrides));
}

export async function emulated(options: EmulatedOptions = {}): Promise<Emulated> {
  const emulator = await EventStoreDBEmulator.start(options.emulator);
  const { connectionString } = emulator;
  const open = [new EventStoreDB(options.address?.(connectionString) ?? connectionString, options.eventstore)];
  const strangers: EventStoreDBClient[] = [];
  return {
    emulator,
    eventstore: open[0]!,
    another: (its) => {
      const other = new EventStoreDB(connectionString, its);
      open.push(other);
      return other;
    },
    stranger: () => {
      const client = EventStoreDBClient.connectionString(connectionString);
      strangers.push(client);
      return client;
    },
    deliver: (batch, overrides) => deliverTo(open[0]!, batch, overrides),
    storedIds: (stream) => emulator.read(stream).map(({ id }) => id),
    close: async () => {
      for (const eventstore of open) await eventstore.close();
      for (const client of strangers) await client.dispose();
      await emulator.stop();
    },
  };
}

export const idsOf = (messages: readonly OutboxMessage[]): readonly string[] => messages.map(({ id }) => id);

/** Messages of several streams, taken in turns. */
export function inTurns(...streams: readonly (readonly OutboxMessage[])[]): readonly OutboxMessage[] {
  const longest = Math.max(...streams.map(({ length }) => length));
  return Array.from({ length: longest }, (_, nth) => streams.flatMap((messages) => messages[nth] ?? [])).flat();
}
