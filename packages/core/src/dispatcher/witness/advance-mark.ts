import { DatabaseReplacedError, WaybillError, WitnessBehindError, WitnessUnavailableError } from '../../errors.js';
import type { Mark, OutboxIdentity } from '../../outbox/outbox-identity.js';
import type { Witness } from './witness.js';

export interface AdvanceMarkOptions {
  readonly identity: OutboxIdentity;
  readonly witness: Witness;
  readonly newId: () => string;
  /** The last mark that the caller knows of: when somebody has made another one since, that is enough. */
  readonly known?: Mark | undefined;
}

// Each further round means that somebody else has made a mark meanwhile.
const MOST_ROUNDS = 100;

/**
 * Compares the outbox with its witness, and makes one more mark in both, unless others have.
 *
 * A mark is made in the database first and recorded second, and the next one only behind one that is recorded. So the database is never
 * behind the witness, and never ahead by more than one: whatever else is found was restored or copied. The witness is looked at first, or
 * a mark that another process makes in between would look like that.
 *
 * @returns the mark that both have
 * @throws {@link DatabaseReplacedError}, {@link WitnessBehindError}, {@link WitnessUnavailableError} and what the database throws
 */
export async function advanceMark({ identity, witness, newId, known }: AdvanceMarkOptions): Promise<Mark> {
  let { outboxId } = await identity.mark();
  let before = known;
  let farBehind: bigint | undefined;
  for (let round = 1; round <= MOST_ROUNDS; round++) {
    const seen = await asked(() => witness.last(outboxId));
    const mark = await identity.mark();
    if (mark.outboxId !== outboxId) {
      outboxId = mark.outboxId; // adopted just now
      continue;
    }
    const seenNumber = seen?.number ?? -1n;
    refuseReplaced(mark, seen);
    if (mark.number > seenNumber + 1n) {
      // Others may have made marks between the two looks; then the witness has more at the next one.
      if (farBehind === seenNumber) throw new WitnessBehindError(mark.number, seen?.number);
      farBehind = seenNumber;
      continue;
    }
    if (mark.number > seenNumber) {
      await asked(() => witness.record(mark)); // for a process that was gone in between; who is not, has recorded it or will
      continue;
    }
    if (before?.outboxId === outboxId && before.number < mark.number) return mark;
    before ??= mark;
    const next = { outboxId, number: mark.number + 1n, nonce: newId() };
    if ((await identity.advance(mark, next)) && (await asked(() => witness.record(next)))) return next;
  }
  throw new WitnessUnavailableError(`its marks and those of the database did not agree in ${MOST_ROUNDS} rounds`);
}

function refuseReplaced(mark: Mark, seen: Mark | undefined): void {
  if (!seen || seen.number < mark.number) return;
  if (seen.number > mark.number)
    throw new DatabaseReplacedError(
      `its last mark is number ${mark.number}, and the witness has seen number ${seen.number}, so it is an older state, or another copy went on`,
    );
  if (seen.nonce !== mark.nonce)
    throw new DatabaseReplacedError(`its mark number ${mark.number} is not the one that the witness has seen, so another copy went on`);
}

async function asked<Answer>(ask: () => Promise<Answer>): Promise<Answer> {
  try {
    return await ask();
  } catch (cause) {
    if (cause instanceof WaybillError && cause.code === 'INVALID_OPTIONS') throw cause;
    throw new WitnessUnavailableError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
