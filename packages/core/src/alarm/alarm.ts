/** What an alarm is about. `held-back` sums up alarms that were too many to be told one by one. */
export type AlarmKind =
  | 'lane-halted'
  | 'stream-halted'
  | 'stream-parked'
  | 'lease-lost'
  | 'no-dispatcher'
  | 'route-abandoned'
  | 'stuck'
  | 'sink-unavailable'
  | 'database-replaced'
  | 'held-back';

/** Something that a person should know of, as it was found. Plain JSON but for `since`. */
export interface Finding {
  readonly kind: AlarmKind;
  /** Of what is wrong: the same as long as it is the same trouble, in every process. Receivers can merge by it. */
  readonly key: string;
  readonly route?: string;
  readonly lane?: number;
  readonly stream?: string;
  /** The message that it stands at; its revision as text. */
  readonly message?: { readonly id: string; readonly stream: string; readonly revision: string };
  readonly error?: { readonly code: string; readonly message: string };
  /** Since when it is so, as far as it is known. */
  readonly since: Date;
  /** One line: what, and where. */
  readonly title: string;
  /** What happened, what it means for the others, and which call comes next. Lines end with `\n`; no markup. */
  readonly text: string;
}

/** A finding on its way to people. */
export interface Alarm extends Finding {
  /** `resolved`: it is over. Told only where it was raised before. */
  readonly state: 'raised' | 'resolved';
  /** Name of the dispatcher, or of the process, that tells it. */
  readonly instance: string;
  /** How often it was found again since it was told last. */
  readonly repeats: number;
}

/** The key of a finding: parts that contain a slash cannot be taken for two. */
export function alarmKey(kind: AlarmKind | 'stream-stopped', ...where: readonly (string | number)[]): string {
  return [kind, ...where].map((part) => String(part).replace(/[%/]/g, (sign) => (sign === '/' ? '%2F' : '%25'))).join('/');
}
