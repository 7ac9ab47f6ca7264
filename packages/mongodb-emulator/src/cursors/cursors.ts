import { randomBytes } from 'node:crypto';
import { Long } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { ChangeCursor } from './change-streams-port.js';
import type { Cursor } from './cursor.js';

/** Who may go on reading: the session, and the transaction, that opened the cursor. */
export interface CursorOwner {
  readonly session: string | undefined;
  readonly txnNumber: string | undefined;
}

export type OpenCursor = OpenResult | OpenChanges;

interface OpenResult {
  readonly id: Long;
  readonly owner: CursorOwner;
  readonly kind: 'result';
  readonly cursor: Cursor;
}

interface OpenChanges {
  readonly id: Long;
  readonly owner: CursorOwner;
  readonly kind: 'changes';
  readonly namespace: string;
  readonly cursor: ChangeCursor;
  /** Ends whoever waits for changes. */
  readonly killed: AbortController;
}

/** The cursors that clients have open, by their ids. */
export class Cursors {
  readonly #open = new Map<string, OpenCursor>();

  /** @returns its id */
  add(cursor: Cursor, owner: CursorOwner): Long {
    const id = newId();
    this.#open.set(id.toString(), { id, owner, kind: 'result', cursor });
    return id;
  }

  addChanges(cursor: ChangeCursor, namespace: string, owner: CursorOwner): Long {
    const id = newId();
    this.#open.set(id.toString(), { id, owner, kind: 'changes', cursor, namespace, killed: new AbortController() });
    return id;
  }

  /** @throws ServerError 43, or 50736 to 50741 for somebody else's */
  get(id: Long, owner: CursorOwner): OpenCursor {
    const open = this.#open.get(id.toString());
    if (!open) throw new ServerError(CODES.CursorNotFound, `cursor id ${id.toString()} not found`);
    checkOwner(open, owner);
    return open;
  }

  has(id: Long): boolean {
    return this.#open.has(id.toString());
  }

  /** @returns false if it was not there */
  close(id: Long): boolean {
    const open = this.#open.get(id.toString());
    if (!open) return false;
    this.#open.delete(id.toString());
    if (open.kind === 'changes') open.killed.abort();
    open.cursor.close();
    return true;
  }

  closeOfSession(session: string): void {
    this.#closeWhere(({ owner }) => owner.session === session);
  }

  closeOfTransaction({ session, txnNumber }: CursorOwner): void {
    if (this.#open.size > 0) this.#closeWhere(({ owner }) => owner.session === session && owner.txnNumber === txnNumber);
  }

  closeAll(): void {
    this.#closeWhere(() => true);
  }

  #closeWhere(matches: (open: OpenCursor) => boolean): void {
    for (const open of [...this.#open.values()]) if (matches(open)) this.close(open.id);
  }
}

function newId(): Long {
  const bytes = randomBytes(8);
  return new Long(bytes.readInt32LE(0) | 1, bytes.readInt32LE(4) & 0x7fff_ffff);
}

function checkOwner({ id, owner }: OpenCursor, by: CursorOwner): void {
  const refuse = (code: number, why: string): never => {
    throw new ServerError(code, `Cannot run getMore on cursor ${id.toString()}, which was ${why}`);
  };
  if (owner.session !== by.session) {
    if (owner.session === undefined) refuse(50736, 'not created in a session, in a session');
    refuse(by.session === undefined ? 50737 : 50738, 'created in another session');
  }
  if (owner.txnNumber !== by.txnNumber) {
    if (owner.txnNumber === undefined) refuse(50739, 'not created in a transaction, in a transaction');
    refuse(by.txnNumber === undefined ? 50740 : 50741, 'created in another transaction');
  }
}
