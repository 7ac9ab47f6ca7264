/** `committed`: rows were committed to these lanes. `action`: an operator ordered something. */
export interface WakeHint {
  readonly kind: 'committed' | 'action';
  readonly lanes: readonly number[];
}

/**
 * Tells dispatchers that there is something to do. A hint may be lost, late or repeated: the table is the truth, and polling
 * {@link WakeUps.pulse} finds whatever was missed.
 */
export interface WakeUps {
  /** Nudges dispatchers: those in this process at once, others as soon as the adapter can. Never throws and never waits. */
  nudge(kind: WakeHint['kind'], streamHashes: readonly number[]): void;

  /** Passes hints on until `signal` aborts; then closes what it opened and resolves. */
  listen(onHint: (hint: WakeHint) => void, signal: AbortSignal): Promise<void>;

  /** A cheap look: the text changes whenever a read could find something that it did not find before. */
  pulse(): Promise<string>;
}
