import type { AllStreamSubscription, ResolvedEvent, StreamSubscription } from '@eventstore/db-client';

type Notice = 'confirmation' | 'caughtUp' | 'fellBehind';
type Seen = bigint | Notice;

/** A subscription under observation: what it emitted, in order, events by their revision. */
export interface WatchedSubscription {
  readonly seen: readonly Seen[];
  readonly events: readonly bigint[];
  readonly types: readonly string[];
  /** Resolves with the error that ended it. */
  readonly failure: Promise<Error & { readonly type: string }>;
  /** Resolves once this was emitted, now or earlier. */
  sees(what: Seen): Promise<void>;
  end(): Promise<void>;
}

export function watch(subscription: StreamSubscription | AllStreamSubscription): WatchedSubscription {
  const seen: Seen[] = [];
  const types: string[] = [];
  const waiting = new Set<() => void>();
  const note = (what: Seen): void => {
    seen.push(what);
    for (const look of [...waiting]) look();
  };
  const failure = new Promise<Error & { type: string }>((resolve) => (subscription as StreamSubscription).on('error', resolve as never));
  for (const notice of ['confirmation', 'caughtUp', 'fellBehind'] as const)
    (subscription as StreamSubscription).on(notice, () => note(notice));
  (subscription as StreamSubscription).on('data', ({ event }: ResolvedEvent) => {
    types.push(event!.type);
    note(event!.revision);
  });

  return {
    seen,
    types,
    failure,
    get events() {
      return seen.filter((one) => typeof one === 'bigint');
    },
    sees: (what) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!seen.includes(what)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    end: () => subscription.unsubscribe(),
  };
}
