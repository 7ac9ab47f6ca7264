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

/** Enough to understand it, on one line. */
export function excerptOf({ status, body }: Pick<TargetAnswer, 'status' | 'body'>): string {
  const text = body.slice(0, LONGEST_EXCERPT).replace(/\s+/g, ' ').trim();
  return text === '' ? String(status) : `${status} ${text}`;
}
