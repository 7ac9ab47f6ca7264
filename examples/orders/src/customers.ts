import { cards } from './payment/cards.js';
import type { Card } from './payment/cards.js';
import { SOLD_OUT } from './shipping/warehouse.js';

export interface PlannedOrder {
  readonly id: string;
  readonly item: string;
  readonly card: Card;
  readonly totalCents: number;
}

const SHARE_OF_GOOD_CARDS = 0.6;
const SHARE_SOLD_OUT = 0.06;
const DIFFICULT = (Object.keys(cards) as Card[]).filter((card) => card !== 'good' && card !== 'undecided');

/** What customers will order: most pay with good cards, others with difficult ones; one with a card that nobody ever decides about. */
export function planOrders(many: number, run: string, random: () => number): readonly PlannedOrder[] {
  const undecided = Math.floor(many / 4);
  const oneOf = <Thing>(things: readonly Thing[]): Thing => things[Math.floor(random() * things.length)]!;
  return Array.from({ length: many }, (_, nth) => ({
    id: `${run}-${nth + 1}`,
    item: random() < SHARE_SOLD_OUT ? SOLD_OUT : 'a book',
    card: nth === undecided ? 'undecided' : random() < SHARE_OF_GOOD_CARDS ? 'good' : oneOf(DIFFICULT),
    totalCents: 500 + Math.floor(random() * 20_000),
  }));
}
