import type { Document } from 'bson';
import type { CompiledUpdate, UpdateOptions } from './compiled-update.js';
import { CODES, ServerError } from '../server-error.js';
import { compileOperatorUpdate } from './operator-update.js';
import { compilePipelineUpdate } from './pipeline-update.js';
import { compileReplacement } from './replacement.js';

export type { CompiledUpdate, UpdateOptions } from './compiled-update.js';
export { upsertSeed } from './upsert-seed.js';

/** @throws {@link ServerError} the update is not valid */
export function compileUpdate(u: Document | Document[], options: UpdateOptions): CompiledUpdate {
  const { arrayFilters = [], variables } = options;
  const usesOperators = !Array.isArray(u) && (Object.keys(u)[0]?.startsWith('$') ?? false);
  if (usesOperators) return compileOperatorUpdate(u, options);
  if (arrayFilters.length > 0) {
    const style = Array.isArray(u) ? 'pipeline-syle' : 'replacement-style';
    throw new ServerError(CODES.FailedToParse, `arrayFilters may not be specified for ${style} updates`);
  }
  return Array.isArray(u) ? compilePipelineUpdate(u, variables) : compileReplacement(u);
}
