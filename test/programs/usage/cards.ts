import type { Sink } from '@waybill/core';
import { InMemorySink } from '@waybill/core/in-memory';

/** Where card charges go. */
export const cards: Sink = new InMemorySink();
