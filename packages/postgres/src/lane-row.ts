import type { Checkpoint, MessageKind, MessageMetadata, OutboxRow } from '@waybill/core';
import { MESSAGE_COLUMNS } from './message-columns.js';
import type { MessageColumns } from './message-columns.js';

export const LANE_ROW_COLUMNS = `${MESSAGE_COLUMNS}, o.position::text as position, (date_part('epoch', o.recorded_at) * 1000)::bigint::text as recorded_ms`;

export interface LaneRowColumns extends MessageColumns {
  readonly position: string;
  readonly recorded_ms: string;
}

/** A row as a lane reads it. What most sinks never ask for is made when it is asked for: parsing is what draining costs most. */
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
  readonly #columns: LaneRowColumns;
  readonly #place: (position: string) => Checkpoint;

  /** @param place - the lane's place right after a row at this position */
  constructor(columns: LaneRowColumns, place: (position: string) => Checkpoint) {
    this.id = columns.id;
    this.kind = columns.kind;
    this.type = columns.type;
    this.stream = columns.stream;
    this.revision = BigInt(columns.revision);
    this.position = BigInt(columns.position);
    this.schemaVersion = Number(columns.schema_version);
    this.codec = columns.codec;
    this.payload = columns.payload;
    this.#columns = columns;
    this.#place = place;
  }

  get metadata(): MessageMetadata {
    return JSON.parse(this.#columns.metadata) as MessageMetadata;
  }

  get occurredAt(): Date {
    return new Date(Number(this.#columns.occurred_ms));
  }

  get recordedAt(): Date {
    return new Date(Number(this.#columns.recorded_ms));
  }

  get checkpoint(): Checkpoint {
    return this.#place(this.#columns.position);
  }
}
