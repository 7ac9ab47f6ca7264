import type { Checkpoint, MessageKind, MessageMetadata, OutboxRow } from '@waybill/core';
import { checkpointAt } from './place.js';
import type { OutboxDocument } from './stored-documents.js';

/** A message as a lane reads it. What most sinks never ask for is made when it is asked for. */
export class LaneRow implements OutboxRow {
  readonly id: string;
  readonly kind: MessageKind;
  readonly type: string;
  readonly stream: string;
  readonly revision: bigint;
  readonly position: bigint;
  readonly schemaVersion: number;
  readonly codec: string;
  readonly payload: string;
  readonly occurredAt: Date;
  readonly #document: OutboxDocument;
  readonly #upTo: Checkpoint | undefined;

  /** @param upTo - the lane's place, which it has reached already; without it, the row's own */
  constructor(document: OutboxDocument, upTo?: Checkpoint) {
    this.id = document.id;
    this.kind = document.kind;
    this.type = document.type;
    this.stream = document._id.stream;
    this.revision = document._id.revision.toBigInt();
    this.position = document.position!.toBigInt();
    this.schemaVersion = document.schemaVersion;
    this.codec = document.codec;
    this.payload = document.payload;
    this.occurredAt = document.occurredAt;
    this.#document = document;
    this.#upTo = upTo;
  }

  get metadata(): MessageMetadata {
    return JSON.parse(this.#document.metadata) as MessageMetadata;
  }

  get recordedAt(): Date {
    return recordedAt(this.#document);
  }

  get checkpoint(): Checkpoint {
    return this.#upTo ?? checkpointAt(this.position);
  }
}

/** By the cluster's clock, which counts in seconds. */
export const recordedAt = ({ at }: Pick<OutboxDocument, 'at'>): Date => new Date(at.getHighBitsUnsigned() * 1_000);
