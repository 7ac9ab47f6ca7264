import { defineCommand, defineEvent } from '@waybill/core';
import type { EventOf, OutboxMessage } from '@waybill/core';
import { anOutboxMessage } from '@waybill/testing';
import { z } from 'zod';

const ofParcel = z.object({ parcel: z.string() });

/** Handled in one step. */
export const ParcelShipped = defineEvent('ParcelShipped', ofParcel);
/** Handled in two: the fee is paid at the till, and then written down. */
export const FeeAsked = defineEvent('FeeAsked', ofParcel);
/** Begins a process. */
export const ParcelLost = defineEvent('ParcelLost', ofParcel);
/** Sent by handlers. */
export const ParcelNoted = defineEvent('ParcelNoted', ofParcel);
/** Sent by processes. */
export const FindParcel = defineCommand('FindParcel', ofParcel);
export const ReplaceParcel = defineCommand('ReplaceParcel', ofParcel);
export const CallOffSearch = defineCommand('CallOffSearch', ofParcel);

export type ParcelShipped = EventOf<typeof ParcelShipped>;
export type FeeAsked = EventOf<typeof FeeAsked>;

export const parcelMessages = [...[ParcelShipped, FeeAsked, ParcelLost, ParcelNoted], ...[FindParcel, ReplaceParcel, CallOffSearch]];

type Type = 'ParcelShipped' | 'FeeAsked' | 'ParcelLost';

/** A message of a stream, as a dispatcher delivers it. */
export const aMessageOf = (type: Type, stream: string, revision: number): OutboxMessage =>
  anOutboxMessage(stream, BigInt(revision), { type, payload: JSON.stringify({ parcel: `${stream}@${revision}` }) });
