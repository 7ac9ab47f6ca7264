import { InvalidOptionsError, NotificationFailedError } from '@waybill/core';
import type { Alarm, Notifier } from '@waybill/core';
import { createTransport } from 'nodemailer';
import type { SMTPTransportOptions, Transporter } from 'nodemailer';

export interface MailOptions {
  /**
   * How mail leaves: a transporter of nodemailer's; its SMTP options; or an address, `smtps://user:password@mail.example.com`. With options or
   * an address, each step of the conversation with the server may take ten seconds unless they say otherwise.
   */
  readonly transport: Pick<Transporter, 'sendMail'> | SMTPTransportOptions | string;
  readonly from: string;
  readonly to: string | readonly string[];
  /** Stands before each subject, e.g. the name of the environment. Default `[waybill]`. */
  readonly subjectPrefix?: string;
}

/** Not the minutes that nodemailer waits by itself: nobody reads an alarm of which the second half is still to come. */
const TIMES = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 10_000, dnsTimeout: 10_000 };
const LONGEST_SUBJECT = 150;

/** Sends alarms by e-mail, as plain text. Taken is what the mail server has accepted for at least one recipient. */
export class MailNotifier implements Notifier {
  readonly #options: MailOptions;
  readonly #transporter: Pick<Transporter, 'sendMail'>;

  /** @throws {@link InvalidOptionsError} nobody to send to, or from */
  constructor(options: MailOptions) {
    const { transport, from, to } = options;
    if (from.trim() === '' || to.length === 0) throw new InvalidOptionsError('Mail needs an address in `from`, and at least one in `to`.');
    this.#options = options;
    this.#transporter = transporterOf(transport);
  }

  /** @throws {@link NotificationFailedError} the mail server did not take it; `final` where it says that it never will (5xx) */
  async notify(alarm: Alarm): Promise<void> {
    const { from, to, subjectPrefix = '[waybill]' } = this.#options;
    try {
      await this.#transporter.sendMail({
        from,
        to: typeof to === 'string' ? to : [...to],
        subject: oneLine(`${subjectPrefix} ${alarm.title}`).slice(0, LONGEST_SUBJECT),
        text: textOf(alarm),
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Waybill-Alarm': alarm.key },
        // Whatever a stream's name or an error says, it is text: no file and no address is opened for it.
        disableFileAccess: true,
        disableUrlAccess: true,
      });
    } catch (error) {
      const { message, responseCode } = error as Error & { readonly responseCode?: number };
      throw new NotificationFailedError(`sending mail failed: ${message}`, { final: responseCode !== undefined && responseCode >= 500 });
    }
  }
}

function transporterOf(transport: MailOptions['transport']): Pick<Transporter, 'sendMail'> {
  if (typeof transport === 'string') return createTransport({ ...TIMES, url: transport });
  return 'sendMail' in transport ? transport : createTransport({ ...TIMES, ...transport });
}

function textOf({ text, instance, since, repeats, key }: Alarm): string {
  const again = repeats > 0 ? `Found ${repeats} more times since it was told last.\n` : '';
  return `${text}\n\n${again}Since ${since.toISOString()}, told by ${instance}.\nKey: ${oneLine(key)}\n`;
}

/** Names of streams are anybody's: nothing in them may begin another header. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, ' ');
