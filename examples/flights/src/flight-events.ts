import { defineEvent } from '@waybill/core';
import type { EventOf } from '@waybill/core';
import { z } from 'zod';

const airport = z.string().regex(/^[A-Z0-9]{3}$/);
const minutes = z.number().int();

export const FlightScheduled = defineEvent(
  'FlightScheduled',
  z.object({ airport, destination: airport, departsAt: z.string(), distanceMiles: z.number().int() }),
);
export const FlightDelayed = defineEvent('FlightDelayed', z.object({ airport, delayMinutes: minutes }));
export const FlightDeparted = defineEvent('FlightDeparted', z.object({ airport, delayMinutes: minutes }));
export const FlightLanded = defineEvent('FlightLanded', z.object({ airport, distanceMiles: z.number().int() }));

export type FlightScheduled = EventOf<typeof FlightScheduled>;
export type FlightDelayed = EventOf<typeof FlightDelayed>;
export type FlightDeparted = EventOf<typeof FlightDeparted>;
export type FlightLanded = EventOf<typeof FlightLanded>;

export type FlightEvent = FlightScheduled | FlightDelayed | FlightDeparted | FlightLanded;

export const flightCatalogue = [FlightScheduled, FlightDelayed, FlightDeparted, FlightLanded];

/** True for what this application knows; anything may be in an event store. */
export function isFlightEvent(event: { readonly type: string; readonly data: unknown }): event is FlightEvent {
  const known = flightCatalogue.some(({ type }) => type === event.type);
  return known && typeof (event.data as { readonly airport?: unknown } | null | undefined)?.airport === 'string';
}
