import type { OutboxRow } from '../../outbox/outbox-row.js';

/**
 * What a lane tries instead, while its sink fails at the first message again and again: a lane that is alone would never learn otherwise
 * that it is the message, and not the sink.
 *
 * Every other try, with the first message of one stream after the other: several may be bad.
 */
export class Detours {
  readonly #tried = new Set<string>();
  #isTurn = false;

  /** Whether the next try is to be made with another stream. */
  isTurn(isStuck: boolean): boolean {
    this.#isTurn = isStuck && !this.#isTurn;
    if (!isStuck) this.#tried.clear();
    return this.#isTurn;
  }

  /** All streams before it were tried already: what lies before it is theirs. */
  among(rows: readonly OutboxRow[]): OutboxRow | undefined {
    const other = rows.find(({ stream }) => stream !== rows[0]!.stream && !this.#tried.has(stream));
    if (other) this.#tried.add(other.stream);
    return other;
  }

  /** Nobody is left to try: the next detour begins anew. */
  exhausted(): void {
    this.#tried.clear();
  }
}

/** The first message of each stream that has one before this row: those that were tried in vain. */
export function triedBefore(rows: readonly OutboxRow[], other: OutboxRow): readonly OutboxRow[] {
  const before = new Map<string, OutboxRow>();
  for (const row of rows.slice(0, rows.indexOf(other))) if (!before.has(row.stream)) before.set(row.stream, row);
  return [...before.values()];
}
