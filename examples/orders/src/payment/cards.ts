import type { PaymentAnswer } from './payment-answer.js';

/** What becomes of a charge, and what the one who asked hears. */
export interface CardBehaviour {
  readonly charge: PaymentAnswer | 'nothing, the first time';
  readonly answers: 'at once' | 'slowly' | 'never' | 500;
  /** Of a pending one. Never, where it is left out. */
  readonly decided?: { readonly afterMs: number; readonly as: PaymentAnswer };
}

const taken: PaymentAnswer = { state: 'taken' };
const declined: PaymentAnswer = { state: 'declined', reason: 'the card is declined' };
const pending: PaymentAnswer = { state: 'pending' };

/** Cards for tests, as every payment service has them. */
export const cards = {
  good: { charge: taken, answers: 'at once' },
  declined: { charge: declined, answers: 'at once' },
  slow: { charge: taken, answers: 'slowly' },
  'lost answer': { charge: taken, answers: 'never' },
  'lost request': { charge: 'nothing, the first time', answers: 'never' },
  '500': { charge: 'nothing, the first time', answers: 500 },
  '500 after taking': { charge: taken, answers: 500 },
  thinking: { charge: pending, answers: 'at once', decided: { afterMs: 1_500, as: taken } },
  'thinking, declined': { charge: pending, answers: 'at once', decided: { afterMs: 1_500, as: declined } },
  undecided: { charge: pending, answers: 'at once' },
} as const satisfies Readonly<Record<string, CardBehaviour>>;

export type Card = keyof typeof cards;

export const behaviourOf = (card: string): CardBehaviour => (cards as Readonly<Record<string, CardBehaviour>>)[card] ?? cards.good;
