import type { Document } from 'bson';
import { transformOf } from '../aggregation/stages/transforms.js';
import type { Variables } from '../query/variables.js';
import { CODES, ServerError } from '../server-error.js';
import { isDocument } from '../values/bson-type.js';
import { replaced } from './replacement.js';
import type { CompiledUpdate } from './compiled-update.js';

const ALLOWED = new Set(['$addFields', '$set', '$project', '$unset', '$replaceRoot', '$replaceWith']);

/** Stages that make one document of one, in turn. */
export function compilePipelineUpdate(stages: readonly unknown[], variables: Variables): CompiledUpdate {
  const transforms = stages.map((stage) => {
    if (!isDocument(stage) || Object.keys(stage).length !== 1) {
      throw new ServerError(40323, 'A pipeline stage specification object must contain exactly one field.');
    }
    const [name] = Object.keys(stage);
    if (!ALLOWED.has(name!)) throw new ServerError(CODES.InvalidOptions, `${name!} is not allowed to be used within an update`);
    return transformOf(name!, stage[name!], variables)!;
  });
  return {
    replacement: false,
    apply(document) {
      const result = transforms.reduce<Document>((current, transform) => transform(current), document);
      return result === document ? document : replaced(document, result);
    },
  };
}
