import type { Document, Timestamp } from 'bson';
import { Long } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { NEVER, tickOf, timestampOf } from '../store/cluster-time.js';
import type { Tick } from '../store/cluster-time.js';
import type { Store } from '../store/store.js';
import type { Access } from '../store/write-set.js';
import { endsTransaction } from '../transactions/admission.js';
import { idOf } from '../transactions/sessions.js';
import type { Standing, Surroundings } from './context.js';
import type { Invocation } from './invocation.js';

const PLAIN: Access = { at: NEVER, writer: undefined };
const LEVELS: ReadonlySet<unknown> = new Set([undefined, 'local', 'majority', 'snapshot', 'available', 'linearizable']);
const LEVELS_OF_TRANSACTIONS: ReadonlySet<unknown> = new Set([undefined, 'local', 'majority', 'snapshot']);

/**
 * Finds out what an admitted command is a part of: a transaction, which it may begin, a retryable write, or nothing.
 *
 * @throws ServerError 117, 217, 225, 239, 251, 256
 */
export function standingOf(invocation: Invocation, surroundings: Surroundings): Standing {
  const { name, body } = invocation;
  const { store, sessions } = surroundings;
  if (body.autocommit === false) return inTransaction(invocation, surroundings);
  // A cursor has its snapshot already, and drivers name it again with every batch.
  const at = name === 'getMore' ? undefined : snapshotOf(body, store, LEVELS);
  if (body.txnNumber !== undefined) {
    return { access: PLAIN, statements: sessions.of(body.lsid as Document).statements(numberOf(body)) };
  }
  if (at === undefined) return { access: PLAIN };
  store.history.keep(at); // a snapshot session asks more than once
  return { access: { at, writer: undefined }, atClusterTime: timestampOf(at) };
}

function inTransaction({ name, body }: Invocation, { store, sessions, cursors }: Surroundings): Standing {
  const session = sessions.of(body.lsid as Document);
  if (body.startTransaction !== true) {
    const transaction = session.transaction(numberOf(body));
    if (!endsTransaction(name)) transaction.checkOpen();
    return { access: transaction.writes, transaction };
  }
  const given = (body.readConcern as Document | undefined)?.atClusterTime as Timestamp | undefined;
  const at = snapshotOf(body, store, LEVELS_OF_TRANSACTIONS);
  const transaction = session.startTransaction(numberOf(body), given === undefined ? undefined : at);
  const owner = { session: idOf(body.lsid as Document), txnNumber: String(body.txnNumber) };
  void transaction.ending.over.then(() => cursors.closeOfTransaction(owner));
  return { access: transaction.writes, transaction };
}

/** The time that a read concern of level `snapshot` reads as of. Waits for nothing: on one member all has happened. */
function snapshotOf({ readConcern }: Document, store: Store, levels: ReadonlySet<unknown>): Tick | undefined {
  const { level, afterClusterTime, atClusterTime } = (readConcern ?? {}) as Document;
  if (!levels.has(level)) throw new ServerError(CODES.InvalidOptions, `readConcern level ${String(level)} is not supported here`);
  if (afterClusterTime !== undefined) store.clusterTime.advanceTo(afterClusterTime as Timestamp);
  if (level !== 'snapshot') return undefined;
  if (atClusterTime === undefined) return store.clusterTime.tick;
  store.clusterTime.advanceTo(atClusterTime as Timestamp);
  const at = tickOf(atClusterTime as Timestamp);
  if (at < store.history.horizon) {
    throw new ServerError(CODES.SnapshotTooOld, 'Read timestamp is older than the oldest available timestamp.');
  }
  return at;
}

function numberOf({ txnNumber }: Document): Long {
  return txnNumber instanceof Long ? txnNumber : Long.fromNumber(Number(txnNumber));
}
