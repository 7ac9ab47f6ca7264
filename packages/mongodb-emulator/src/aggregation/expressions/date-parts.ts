import { CODES, ServerError } from '../../server-error.js';

/** A date as a calendar shows it, in a time zone. */
export interface DateParts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** Sunday is 1. */
  readonly dayOfWeek: number;
  readonly dayOfYear: number;
}

const DAY_MS = 86_400_000;
const UNKNOWN_TIME_ZONE = 40485;

export function partsOfDate(date: Date, timezone: string | undefined): DateParts {
  const local = new Date(date.getTime() + offsetOf(date, timezone));
  const startOfYear = Date.UTC(local.getUTCFullYear(), 0, 1);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    millisecond: local.getUTCMilliseconds(),
    dayOfWeek: local.getUTCDay() + 1,
    dayOfYear: Math.floor((local.getTime() - startOfYear) / DAY_MS) + 1,
  };
}

/** @returns how far local time is ahead of UTC at this date, in milliseconds */
export function offsetOf(date: Date, timezone: string | undefined): number {
  if (timezone === undefined || /^(?:utc|gmt|z)$/i.test(timezone)) return 0;
  const fixed = /^([+-])(\d{2}):?(\d{2})?$/.exec(timezone);
  if (fixed) return (fixed[1] === '-' ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3] ?? 0)) * 60_000;
  const shown = shownIn(date, timezone);
  return shown - Math.floor(date.getTime() / 1000) * 1000;
}

/** ISO week: the week with the year's first Thursday is its first; Monday is day 1. */
export function isoWeekOf({ year, month, day, dayOfWeek }: DateParts): {
  readonly year: number;
  readonly week: number;
  readonly day: number;
} {
  const isoDay = dayOfWeek === 1 ? 7 : dayOfWeek - 1;
  const thursday = new Date(Date.UTC(year, month - 1, day + 4 - isoDay));
  const week = Math.floor((thursday.getTime() - Date.UTC(thursday.getUTCFullYear(), 0, 1)) / DAY_MS / 7) + 1;
  return { year: thursday.getUTCFullYear(), week, day: isoDay };
}

/** @returns the date that a string in ISO 8601 stands for, UTC where it names no zone */
export function parseDate(text: string): Date | undefined {
  const match = /^(\d{4})-?(\d{2})-?(\d{2})(?:[T ](\d{2}):?(\d{2})?(?::?(\d{2})(?:[.,](\d{1,9}))?)?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?$/i.exec(
    text.trim(),
  );
  if (!match) return undefined;
  const [, year, month, day, hour = '0', minute = '0', second = '0', fraction = '0', zone] = match;
  const milliseconds = Number(fraction.padEnd(3, '0').slice(0, 3));
  const utc = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second), milliseconds);
  const date = new Date(utc);
  if (date.getUTCMonth() + 1 !== Number(month) || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  return new Date(utc - offsetOf(date, zone));
}

function shownIn(date: Date, timezone: string): number {
  const shown = Object.fromEntries(
    formatterOf(timezone)
      .formatToParts(date)
      .map(({ type, value }) => [type, Number(value)]),
  );
  return Date.UTC(shown.year!, shown.month! - 1, shown.day, shown.hour, shown.minute, shown.second);
}

function formatterOf(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    throw new ServerError(UNKNOWN_TIME_ZONE, `unrecognized time zone identifier: "${timeZone}"`);
  }
}

/** @throws {@link ServerError} the value is no name of a unit of time */
export function unitOf(value: unknown): Unit {
  const found = UNITS.find((unit) => unit === value);
  if (found) return found;
  throw new ServerError(CODES.FailedToParse, `unknown time unit value: ${String(value)}`);
}

const UNITS = ['year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second', 'millisecond'] as const;

export type Unit = (typeof UNITS)[number];

/** How long the units are that always are equally long. */
export const UNIT_MS: Readonly<Partial<Record<Unit, number>>> = {
  week: 7 * DAY_MS,
  day: DAY_MS,
  hour: 3_600_000,
  minute: 60_000,
  second: 1000,
  millisecond: 1,
};

/** How many months the others have. */
export const UNIT_MONTHS: Readonly<Partial<Record<Unit, number>>> = { year: 12, quarter: 3, month: 1 };
