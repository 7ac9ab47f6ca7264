import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import { writeConflict } from '../store/leave-to-write.js';
import type { Steps } from '../store/steps.js';
import { equalValues } from '../values/compare.js';
import type { Context } from './context.js';

const TAKEN = ['changeStreamPreAndPostImages', 'storageEngine', 'indexOptionDefaults', 'idIndex'] as const;

export function* create(context: Context): Steps<Document> {
  const { arguments: given, db, collection: name, store, access } = context;
  given.refuseCollation();
  given.refuse('capped', 'timeseries', 'viewOn', 'pipeline', 'validator', 'clusteredIndex', 'encryptedFields', 'expireAfterSeconds');
  const options = Object.fromEntries(
    TAKEN.filter((option) => given.has(option)).map((option) => [option, given.fields[option] as unknown]),
  );
  for (;;) {
    const known = store.catalogue.get(db, name);
    if (!known) {
      store.create(db, name, options, access);
      return {};
    }
    if (known.creator === undefined || known.creator === access.writer) {
      if (equalValues(known.options, options)) return {};
      throw new ServerError(CODES.NamespaceExists, `namespace ${known.namespace} already exists, but with different options`);
    }
    if (access.writer) throw writeConflict();
    yield known.creator.ending;
  }
}
