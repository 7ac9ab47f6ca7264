import type { ArrivedMessage } from './arrived-message.js';

/** `handled`: its effects are committed. `accepted`: it is stored, and will be handled. `duplicate`: one of both, by an earlier arrival. */
export type Taken = 'handled' | 'accepted' | 'duplicate';

export interface TakeOptions {
  /**
   * True where the way the message came by says that it was delivered before, as brokers do: handlers see it as `mayBeRepeat`. Default
   * false; a message that was handled is known as a duplicate either way.
   */
  readonly redelivered?: boolean;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What a receiver hands messages to, whatever they arrived by. */
export interface Intake {
  /**
   * Takes one message durably. Once it has resolved, the sender may forget the message.
   *
   * @throws {@link UnknownMessageTypeError}, {@link InvalidPayloadError}, {@link InvalidStreamNameError} it will never be taken as it is
   * @throws {@link PredecessorMissingError}, {@link StaleSenderError}, {@link RevisionTakenError} not now, or not from this sender
   * @throws {@link MessageRejectedError} a handler failed, with its error as the cause; its effects are rolled back
   * @throws {@link DatabaseUnavailableError} and other trouble: nothing was stored
   */
  take(message: ArrivedMessage, options: TakeOptions): Promise<Taken>;
}
