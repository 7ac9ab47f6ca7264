import type { HttpAnswer } from '@waybill/resilience';

/** What a target answered. */
export interface TargetAnswer {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As UTF-8, at most `maxAnswerBytes` of it. */
  readonly body: string;
  /** There was more of the body, or it broke off. */
  readonly truncated: boolean;
  /** The target's name. */
  readonly target: string;
}

export function targetAnswer({ status, headers, body, truncated }: HttpAnswer, target: string): TargetAnswer {
  return { status, headers, body: body.toString('utf8'), truncated, target };
}

const LONGEST_EXCERPT = 200;

/** Enough to understand it, on one line: of a problem document (RFC 9457) what it says to people, of anything else how it begins. */
export function excerptOf({ status, body }: Pick<TargetAnswer, 'status' | 'body'>): string {
  const said = problemIn(body) ?? body.slice(0, LONGEST_EXCERPT);
  const text = said.replace(/\s+/g, ' ').trim();
  return text === '' ? String(status) : `${status} ${text}`;
}

const LONGEST_PROBLEM = 500;

function problemIn(body: string): string | undefined {
  try {
    const { type, title, detail } = JSON.parse(body) as Partial<Record<'type' | 'title' | 'detail', unknown>>;
    if (typeof type !== 'string' || typeof title !== 'string') return undefined;
    const text = typeof detail === 'string' ? `${title}: ${detail}` : title;
    return `${text.slice(0, LONGEST_PROBLEM).replace(/\.$/, '')} (${type.slice(0, LONGEST_EXCERPT)})`;
  } catch {
    return undefined; // it is none
  }
}
