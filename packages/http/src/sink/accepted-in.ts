import type { TargetAnswer } from './target-answer.js';

/** How long a prefix of a batch the answer says was taken, if it says so; also when all else was refused. */
export function acceptedIn(answer: TargetAnswer | undefined, sent: number): number | undefined {
  if (sent < 2 || answer === undefined || !/\bjson\b/.test(String(answer.headers['content-type'] ?? ''))) return undefined;
  try {
    const document: unknown = JSON.parse(answer.body);
    if (typeof document !== 'object' || document === null || !Object.hasOwn(document, 'accepted')) return undefined;
    const { accepted } = document as { readonly accepted: unknown };
    return typeof accepted === 'number' && Number.isInteger(accepted) && accepted >= 0 && accepted <= sent ? accepted : undefined;
  } catch {
    return undefined;
  }
}
