import { Int32 } from 'bson';
import type { Document } from 'bson';
import { compileProjection } from '../query/projection.js';
import { CODES, ServerError } from '../server-error.js';
import type { Steps } from '../store/steps.js';
import type { Arguments } from './arguments.js';
import type { Context } from './context.js';
import { hintOf } from './find.js';
import { deleteDocuments } from './statements/delete-documents.js';
import { statementId } from './statements/statement-batch.js';
import { updateDocuments } from './statements/update-documents.js';
import type { UpdateResult } from './statements/update-documents.js';
import { updateOf } from './update.js';

/** Answers the image that was stored when the statement comes again. */
export function* findAndModify(context: Context): Steps<Document> {
  const { arguments: given, standing, store } = context;
  check(given);
  const id = statementId(context, 0);
  const recorded = standing.statements?.resultOf(id) as Document | undefined;
  if (recorded) return { ...recorded, retriedStmtId: new Int32(id) };
  const { reply, hasWritten } = given.flag('remove') ? yield* remove(context) : yield* update(context);
  if (hasWritten) standing.statements?.record(id, reply, store.clusterTime.tick);
  return reply;
}

interface Modified {
  readonly reply: Document;
  readonly hasWritten: boolean;
}

function* remove(context: Context): Steps<Modified> {
  const { deleted, before } = yield* deleteDocuments(context, targetOf(context), { ...queryOf(context), isMulti: false });
  return { reply: { lastErrorObject: { n: deleted }, value: valueOf(context, before) }, hasWritten: deleted > 0 };
}

function* update(context: Context): Steps<Modified> {
  const { arguments: given } = context;
  const result = yield* updateDocuments(context, targetOf(context), {
    ...queryOf(context),
    update: updateOf(given, 'update'),
    isMulti: false,
    isUpsert: given.flag('upsert'),
    arrayFilters: given.documents('arrayFilters'),
  });
  const { matched, modified, upserted, before, after } = result;
  const lastErrorObject = { n: matched + (upserted ? 1 : 0), updatedExisting: matched > 0, ...upsertedId(result) };
  const reply = { lastErrorObject, value: valueOf(context, given.flag('new') ? after : before) };
  return { reply, hasWritten: modified > 0 || upserted !== undefined };
}

function upsertedId({ upserted }: UpdateResult): Document {
  return upserted ? { upserted: upserted._id } : {};
}

function targetOf({ db, collection }: Context): { readonly db: string; readonly name: string } {
  return { db, name: collection };
}

function queryOf({ arguments: given }: Context): {
  readonly filter: Document;
  readonly sort: Document | undefined;
  readonly hint: unknown;
} {
  return { filter: given.document('query') ?? {}, sort: given.document('sort'), hint: hintOf(given.fields.hint) };
}

function valueOf({ arguments: given, variables }: Context, document: Document | undefined): Document | null {
  const fields = given.document('fields');
  if (!document || !fields || Object.keys(fields).length === 0) return document ?? null;
  return compileProjection(fields, variables)(document);
}

function check(given: Arguments): void {
  given.refuseCollation();
  const [removes, updates] = [given.flag('remove'), given.has('update')];
  if (removes && updates) failedToParse('Cannot specify both an update and remove=true');
  if (!removes && !updates) failedToParse('Either an update or remove=true must be specified');
  if (removes && given.flag('upsert')) failedToParse('Cannot specify both upsert=true and remove=true');
  if (removes && given.flag('new'))
    failedToParse("Cannot specify both new=true and remove=true; 'remove' always returns the deleted document");
}

function failedToParse(message: string): never {
  throw new ServerError(CODES.FailedToParse, message);
}
