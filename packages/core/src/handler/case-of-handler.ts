import { v5 as uuidFrom } from 'uuid';
import type { CaseKind, OpenCase } from '../case/case-store.js';
import type { Message } from '../message/message.js';
import { detailOf } from './handlers-own.js';

const NAMESPACE = '5b2f3c1e-6a0d-4f57-9d0b-3c8f2a7e41d6';

/** Of one handler and one message there is one case (and one of a compensation that has begun), however often it comes to that. */
export const caseIdOf = (handler: string, claimId: string, ...of: readonly 'compensation'[]): string =>
  uuidFrom(JSON.stringify([handler, claimId, ...of]), NAMESPACE);

/** What a person is told of a handler's failure. */
export function caseOf(
  kind: CaseKind,
  handler: string,
  { id, type, stream, revision, metadata }: Message,
  { claimId, cause, advice }: { readonly claimId: string; readonly cause: unknown; readonly advice: string },
): OpenCase {
  return {
    id: caseIdOf(handler, claimId),
    kind,
    of: handler,
    message: { id, type, stream, revision },
    process: undefined,
    correlationId: metadata.correlationId,
    detail: `Handler "${handler}", ${type} ${id} (${stream}@${revision}): ${detailOf(cause)}. ${advice}`,
  };
}
