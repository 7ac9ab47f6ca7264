import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { FailPoint } from './fail-point.js';

/** All fail points that there are, by the names that `configureFailPoint` takes. */
export class FailPoints {
  /** Before a command: an error, a closed connection, a delay. After it: a write concern error. */
  readonly failCommand = new FailPoint();
  /** A `getMore` fails though its cursor is there. */
  readonly failGetMoreAfterCursorCheckout = new FailPoint();
  /** A retryable write is applied and not answered, or fails right before it would be applied. */
  readonly onPrimaryTransactionalWrite = new FailPoint();
  /** Not a real server's: any command is executed, and its answer lost with the connection. */
  readonly loseReply = new FailPoint();

  /**
   * Executes `configureFailPoint`.
   *
   * @throws ServerError for a name or a mode that there is not
   */
  configure({ configureFailPoint: name, mode, data }: Document): Document {
    const point = this.#named(name);
    point.configure(mode, data as Document | undefined);
    return { count: point.timesEntered };
  }

  /** Switches all of them off. */
  disarm(): void {
    for (const point of Object.values(this) as FailPoint[]) point.configure('off');
  }

  #named(name: unknown): FailPoint {
    if (typeof name === 'string' && Object.hasOwn(this, name)) return this[name as 'failCommand'];
    const known = Object.keys(this).join(', ');
    throw new ServerError(CODES.BadValue, `There is no fail point ${JSON.stringify(name)} in this emulator; there are ${known}.`);
  }
}
