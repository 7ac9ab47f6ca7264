import type { Document } from 'bson';
import type { Invocation } from '../engine.js';
import type { ServerError } from '../server-error.js';

/** A command on its way. Can be interrupted, and then tells whoever waits on its behalf. */
export class RunningCommand implements Invocation {
  readonly name: string;
  readonly db: string;
  #controller: AbortController | undefined;
  #interruption: ServerError | undefined;

  constructor(
    readonly body: Document,
    readonly connectionId: number,
  ) {
    this.name = Object.keys(body)[0] ?? '';
    this.db = typeof body.$db === 'string' ? body.$db : '';
  }

  /** Made when somebody asks: most commands are over before anything could interrupt them. */
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#interruption) this.#controller.abort(this.#interruption);
    }
    return this.#controller.signal;
  }

  /** Why it was interrupted. */
  get interruption(): ServerError | undefined {
    return this.#interruption;
  }

  interrupt(reason: ServerError): void {
    this.#interruption ??= reason;
    this.#controller?.abort(reason);
  }
}
