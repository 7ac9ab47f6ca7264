import { InvalidOptionsError, NotificationFailedError } from '@waybill/core';
import type { Alarm, Notifier } from '@waybill/core';
import { slackMessage } from './slack-message.js';

export interface WebhookOptions {
  /** Where to post to. Treat it as a secret: whoever knows it can post. It is in no error and no log. */
  readonly url: string | URL;
  /** What to post, as JSON. Default: a message as Slack and Mattermost take it, see {@link slackMessage}. */
  readonly body?: (alarm: Alarm) => unknown;
  /** Sent along, e.g. for authorization. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for the answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number;
}

/** Statuses below 500 that may well be others at the next try. */
const WORTH_ANOTHER_TRY = new Set([408, 425, 429]);
const LONGEST_ANSWER = 200;

/** Posts alarms to a chat's incoming webhook. Taken is what is answered with 2xx; redirects are not followed. */
export class WebhookNotifier implements Notifier {
  readonly #url: URL;
  readonly #options: WebhookOptions;

  /** @throws {@link InvalidOptionsError} no web address, a header that cannot be sent, or no time */
  constructor(options: WebhookOptions) {
    const { url, timeoutMs = 5_000 } = options;
    const parsed = URL.canParse(String(url)) ? new URL(url) : undefined;
    if (parsed?.protocol !== 'https:' && parsed?.protocol !== 'http:')
      throw new InvalidOptionsError('The url of a webhook must be an absolute http or https address.');
    if (!(timeoutMs > 0)) throw new InvalidOptionsError(`timeoutMs of a webhook is ${timeoutMs}; it must be more than 0 milliseconds.`);
    if (parsed.username !== '' || parsed.password !== '')
      throw new InvalidOptionsError('The url of a webhook must hold no user and no password; put them into `headers`, as authorization.');
    refuseUnsendable(options.headers ?? {});
    this.#url = parsed;
    this.#options = options;
  }

  /** @throws {@link NotificationFailedError} it was not taken; `final` where the answer says that it never will be */
  async notify(alarm: Alarm, signal?: AbortSignal): Promise<void> {
    const { body = slackMessage, headers = {}, timeoutMs = 5_000 } = this.#options;
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body(alarm)),
        redirect: 'manual', // an alarm goes where it was addressed to, and nowhere else
        signal: signal ? AbortSignal.any([timeout, signal]) : timeout,
      });
      await this.#check(response);
    } catch (error) {
      if (error instanceof NotificationFailedError) throw error;
      const why = timeout.aborted ? `there was no answer within ${timeoutMs} ms` : reasonOf(error);
      throw new NotificationFailedError(`posting to ${this.#url.host} failed: ${why}`);
    }
  }

  async #check(response: Response): Promise<void> {
    const { status, ok, headers } = response;
    if (ok) return void response.body?.cancel().catch(() => {}); // taken, whatever becomes of the text
    const answer = await beginningOf(response);
    const redirected = status >= 300 && status < 400;
    const detail = redirected ? 'a redirect, which is not followed; put the final address into the options' : answer || 'no text';
    throw new NotificationFailedError(`${this.#url.host} answered ${status}: ${detail}`, {
      final: redirected || (status < 500 && !WORTH_ANOTHER_TRY.has(status)),
      retryAfterMs: retryAfterMs(headers.get('retry-after')),
    });
  }
}

/** Enough to understand a refusal. The rest is not waited for: nobody can make us read without end. */
async function beginningOf({ body }: Response): Promise<string> {
  const reader = (body as ReadableStream<Uint8Array> | null)?.getReader();
  if (!reader) return '';
  const { value } = await reader.read();
  await reader.cancel();
  return new TextDecoder().decode(value).slice(0, LONGEST_ANSWER).replace(/\s+/g, ' ').trim();
}

/** Named without its value, which may be a secret. */
function refuseUnsendable(headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      new Headers({ [name]: value });
    } catch {
      throw new InvalidOptionsError(
        `The header ${JSON.stringify(name)} of a webhook cannot be sent: its name or its value holds a line break, or another character that headers cannot hold.`,
      );
    }
  }
}

/** Seconds, or a date. */
function retryAfterMs(header: string | null): number | undefined {
  if (header === null) return undefined;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.max(0, ms);
}

/** What the network says is in the cause; the error itself would only say that fetching failed. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  return cause instanceof Error ? cause.message || cause.name : String(cause);
}
