import type {
  BaseOptions,
  Credentials,
  EventStoreDBClient,
  PersistentSubscriptionToAll,
  PersistentSubscriptionToAllInfo,
  PersistentSubscriptionToAllResolvedEvent,
  PersistentSubscriptionToStream,
  PersistentSubscriptionToStreamInfo,
  PersistentSubscriptionToStreamResolvedEvent,
} from '@eventstore/db-client';
import type { Selection } from '../subscription/selection.js';
import type { ServerSettings } from './group-settings.js';

export type GroupInfo = PersistentSubscriptionToStreamInfo | PersistentSubscriptionToAllInfo;
export type Connection = PersistentSubscriptionToStream | PersistentSubscriptionToAll;
export type Delivered = PersistentSubscriptionToStreamResolvedEvent | PersistentSubscriptionToAllResolvedEvent;

/** One group at the server. The client has two calls for everything: for streams, and for `$all`. */
export class Group {
  readonly #stream: string | undefined;

  constructor(
    readonly name: string,
    private readonly selection: Selection,
  ) {
    this.#stream = selection.stream;
  }

  create(client: EventStoreDBClient, settings: ServerSettings, credentials: Credentials | undefined): Promise<void> {
    const base = baseOptions(credentials);
    if (this.#stream !== undefined) return client.createPersistentSubscriptionToStream(this.#stream, this.name, settings, base);
    return client.createPersistentSubscriptionToAll(this.name, settings, { ...base, filter: this.selection.filter(undefined) });
  }

  connect(client: EventStoreDBClient, bufferSize: number, credentials: Credentials | undefined): Connection {
    const options = { ...baseOptions(credentials), bufferSize };
    const ahead = { highWaterMark: bufferSize };
    if (this.#stream !== undefined) return client.subscribeToPersistentSubscriptionToStream(this.#stream, this.name, options, ahead);
    return client.subscribeToPersistentSubscriptionToAll(this.name, options, ahead);
  }

  info(client: EventStoreDBClient, credentials: Credentials | undefined): Promise<GroupInfo> {
    const base = baseOptions(credentials);
    if (this.#stream !== undefined) return client.getPersistentSubscriptionToStreamInfo(this.#stream, this.name, base);
    return client.getPersistentSubscriptionToAllInfo(this.name, base);
  }

  replayParked(client: EventStoreDBClient, atMost: number | undefined, credentials: Credentials | undefined): Promise<void> {
    const options = { ...baseOptions(credentials), ...(atMost !== undefined && { stopAt: atMost }) };
    if (this.#stream !== undefined) return client.replayParkedMessagesToStream(this.#stream, this.name, options);
    return client.replayParkedMessagesToAll(this.name, options);
  }
}

const baseOptions = (credentials: Credentials | undefined): BaseOptions => (credentials ? { credentials } : {});
