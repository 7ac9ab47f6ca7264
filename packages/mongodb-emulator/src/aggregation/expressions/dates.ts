import type { ObjectId, Timestamp } from 'bson';
import { CODES, ServerError } from '../../server-error.js';
import { bsonTypeOf, isDocument } from '../../values/bson-type.js';
import { describe } from '../../values/describe.js';
import { int, long, toInteger, toNumber } from '../../values/number.js';
import { isTrue } from '../../values/truth.js';
import type { Evaluate, Frame, Operator, Scope } from '../evaluate.js';
import { isNullish, named, operands, unary } from '../evaluate.js';
import type { DateParts, Unit } from './date-parts.js';
import { isoWeekOf, offsetOf, parseDate, partsOfDate, UNIT_MONTHS, UNIT_MS, unitOf } from './date-parts.js';

/** Dates: their parts, their texts, and the distance between them. */
export const DATES: Readonly<Record<string, Operator>> = {
  $year: partOperator(({ year }) => int(year)),
  $month: partOperator(({ month }) => int(month)),
  $dayOfMonth: partOperator(({ day }) => int(day)),
  $hour: partOperator(({ hour }) => int(hour)),
  $minute: partOperator(({ minute }) => int(minute)),
  $second: partOperator(({ second }) => int(second)),
  $millisecond: partOperator(({ millisecond }) => int(millisecond)),
  $dayOfWeek: partOperator(({ dayOfWeek }) => int(dayOfWeek)),
  $dayOfYear: partOperator(({ dayOfYear }) => int(dayOfYear)),
  $week: partOperator(({ dayOfYear, dayOfWeek }) => int(Math.floor((dayOfYear + 7 - dayOfWeek) / 7))),
  $isoWeek: partOperator((parts) => int(isoWeekOf(parts).week)),
  $isoWeekYear: partOperator((parts) => long(BigInt(isoWeekOf(parts).year))),
  $isoDayOfWeek: partOperator((parts) => int(isoWeekOf(parts).day)),
  $dateToString: (operand, scope, name) => {
    const given = named(operand, scope, name, { required: ['date'], optional: ['format', 'timezone', 'onNull'] });
    return (frame) => {
      const [date, format] = [given.date!(frame), given.format?.(frame)];
      if (isNullish(date)) return given.onNull ? given.onNull(frame) : null;
      const zone = zoneIn(frame, given.timezone);
      if (zone === null || (given.format && isNullish(format))) return null;
      return formatted(dateFor(date), typeof format === 'string' ? format : defaultFormat(zone), zone);
    };
  },
  $dateFromString: (operand, scope, name) => {
    const given = named(operand, scope, name, { required: ['dateString'], optional: ['format', 'timezone', 'onError', 'onNull'] });
    if (given.format) throw new ServerError(CODES.BadValue, '$dateFromString: this server does not know the argument "format"');
    return (frame) => dateFromString(frame, given);
  },
  $dateToParts: (operand, scope, name) => {
    const given = named(operand, scope, name, { required: ['date'], optional: ['timezone', 'iso8601'] });
    return (frame) => {
      const [date, zone] = [given.date!(frame), zoneIn(frame, given.timezone)];
      if (isNullish(date) || zone === null) return null;
      return shownParts(partsOfDate(dateFor(date), zone), isTrue(given.iso8601?.(frame)));
    };
  },
  $dateFromParts: (operand, scope, name) => {
    const given = named(operand, scope, name, {
      required: ['year'],
      optional: ['month', 'day', 'hour', 'minute', 'second', 'millisecond', 'timezone'],
    });
    return (frame) => dateFromParts(frame, given);
  },
  $dateAdd: (operand, scope, name) => dateShift(operand, scope, name, 1),
  $dateSubtract: (operand, scope, name) => dateShift(operand, scope, name, -1),
  $dateDiff: (operand, scope, name) => {
    const given = named(operand, scope, name, { required: ['startDate', 'endDate', 'unit'], optional: ['timezone', 'startOfWeek'] });
    return (frame) => {
      const [start, end, unit] = [given.startDate!(frame), given.endDate!(frame), given.unit!(frame)];
      const zone = zoneIn(frame, given.timezone);
      if (isNullish(start) || isNullish(end) || isNullish(unit) || zone === null) return null;
      return long(BigInt(boundariesBetween(dateFor(start), dateFor(end), unitOf(unit), zone)));
    };
  },
  $dateTrunc: (operand, scope, name) => {
    const given = named(operand, scope, name, { required: ['date', 'unit'], optional: ['binSize', 'timezone', 'startOfWeek'] });
    return (frame) => {
      const [date, unit, zone] = [given.date!(frame), given.unit!(frame), zoneIn(frame, given.timezone)];
      if (isNullish(date) || isNullish(unit) || zone === null) return null;
      return truncated(dateFor(date), unitOf(unit), given.binSize ? toNumber(given.binSize(frame)) : 1, zone);
    };
  },
  $tsSecond: unary((value) => (isNullish(value) ? null : long(BigInt(timestampFor(value).high >>> 0)))),
  $tsIncrement: unary((value) => (isNullish(value) ? null : long(BigInt(timestampFor(value).low >>> 0)))),
};

function partOperator(select: (parts: DateParts) => unknown): Operator {
  return (operand: unknown, scope: Scope, name: string): Evaluate => {
    const isNamed = isDocument(operand) && 'date' in operand;
    const given = isNamed
      ? named(operand, scope, name, { required: ['date'], optional: ['timezone'] })
      : { date: operands(operand, scope, { name, min: 1 })[0]! };
    return (frame: Frame) => {
      const [date, zone] = [given.date!(frame), zoneIn(frame, given.timezone)];
      return isNullish(date) || zone === null ? null : select(partsOfDate(dateFor(date), zone));
    };
  };
}

/** @returns the time zone named, `undefined` for UTC, `null` if an expression for it gave nothing */
function zoneIn(frame: Frame, timezone: Evaluate | undefined): string | undefined | null {
  if (!timezone) return undefined;
  const zone = timezone(frame);
  if (isNullish(zone)) return null;
  if (typeof zone !== 'string') throw new ServerError(40517, `timezone must evaluate to a string, found ${bsonTypeOf(zone)}`);
  return zone;
}

function dateFor(value: unknown): Date {
  switch (bsonTypeOf(value)) {
    case 'date':
      return value as Date;
    case 'objectId':
      return (value as ObjectId).getTimestamp();
    case 'timestamp':
      return new Date(((value as Timestamp).high >>> 0) * 1000);
    default:
      throw new ServerError(16006, `can't convert from BSON type ${bsonTypeOf(value)} to Date`);
  }
}

function timestampFor(value: unknown): Timestamp {
  if (bsonTypeOf(value) === 'timestamp') return value as Timestamp;
  throw new ServerError(5687301, `Argument to $tsSecond and $tsIncrement must be a timestamp, but is ${bsonTypeOf(value)}`);
}

function defaultFormat(zone: string | undefined): string {
  return zone === undefined || /^(?:utc|gmt|z)$/i.test(zone) ? '%Y-%m-%dT%H:%M:%S.%LZ' : '%Y-%m-%dT%H:%M:%S.%L';
}

function formatted(date: Date, format: string, zone: string | undefined): string {
  const parts = partsOfDate(date, zone);
  const iso = isoWeekOf(parts);
  const padded = (value: number, length: number): string => String(value).padStart(length, '0');
  const offset = Math.round(offsetOf(date, zone) / 60_000);
  const fields: Readonly<Record<string, () => string>> = {
    Y: () => padded(parts.year, 4),
    m: () => padded(parts.month, 2),
    d: () => padded(parts.day, 2),
    H: () => padded(parts.hour, 2),
    M: () => padded(parts.minute, 2),
    S: () => padded(parts.second, 2),
    L: () => padded(parts.millisecond, 3),
    j: () => padded(parts.dayOfYear, 3),
    w: () => String(parts.dayOfWeek),
    u: () => String(iso.day),
    U: () => padded(Math.floor((parts.dayOfYear + 7 - parts.dayOfWeek) / 7), 2),
    V: () => padded(iso.week, 2),
    G: () => padded(iso.year, 4),
    b: () => MONTHS[parts.month - 1]!.slice(0, 3),
    B: () => MONTHS[parts.month - 1]!,
    z: () => `${offset < 0 ? '-' : '+'}${padded(Math.floor(Math.abs(offset) / 60), 2)}${padded(Math.abs(offset) % 60, 2)}`,
    Z: () => String(offset),
    '%': () => '%',
  };
  return format.replace(/%(.?)/gs, (_, letter: string) => {
    const field = fields[letter];
    if (!field) throw new ServerError(18536, `Invalid format character '%${letter}' in format string`);
    return field();
  });
}

const MONTHS: readonly string[] = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];

function dateFromString(frame: Frame, { dateString, timezone, onError, onNull }: Readonly<Record<string, Evaluate>>): unknown {
  const text = dateString!(frame);
  if (isNullish(text)) return onNull ? onNull(frame) : null;
  const zone = zoneIn(frame, timezone);
  if (zone === null) return null;
  const date = typeof text === 'string' ? parseDate(text) : undefined;
  if (date) return new Date(date.getTime() - offsetOf(date, zone));
  if (onError) return onError(frame);
  throw new ServerError(CODES.ConversionFailure, `Error parsing date string ${describe(text)}`);
}

function shownParts(parts: DateParts, iso8601: boolean): unknown {
  const { hour, minute, second, millisecond } = parts;
  const shown: Record<string, number> = { ...dayParts(parts, iso8601), hour, minute, second, millisecond };
  return Object.fromEntries(Object.entries(shown).map(([name, value]) => [name, int(value)]));
}

function dayParts(parts: DateParts, iso8601: boolean): Record<string, number> {
  if (!iso8601) return { year: parts.year, month: parts.month, day: parts.day };
  const { year, week, day } = isoWeekOf(parts);
  return { isoWeekYear: year, isoWeek: week, isoDayOfWeek: day };
}

function dateFromParts(frame: Frame, given: Readonly<Record<string, Evaluate>>): unknown {
  const zone = zoneIn(frame, given.timezone);
  const names = ['year', 'month', 'day', 'hour', 'minute', 'second', 'millisecond'] as const;
  const values = names.map((name) => (given[name] ? given[name](frame) : int(name === 'month' || name === 'day' ? 1 : 0)));
  if (zone === null || values.some(isNullish)) return null;
  const [year, month, day, ...time] = values.map((value, at) => partFor(value, names[at]!));
  const [hour, minute, second, millisecond] = time;
  const utc = new Date(Date.UTC(year!, month! - 1, day, hour, minute, second, millisecond));
  if (year! < 100) utc.setUTCFullYear(year!, month! - 1, day);
  return new Date(utc.getTime() - offsetOf(utc, zone));
}

function partFor(value: unknown, name: string): number {
  const whole = toInteger(value);
  if (whole === undefined) throw new ServerError(40515, `'${name}' must evaluate to an integer, found ${bsonTypeOf(value)}`);
  return Number(whole);
}

function dateShift(operand: unknown, scope: Scope, name: string, sign: 1 | -1): Evaluate {
  const given = named(operand, scope, name, { required: ['startDate', 'unit', 'amount'], optional: ['timezone'] });
  return (frame) => {
    const [start, unit, amount] = [given.startDate!(frame), given.unit!(frame), given.amount!(frame)];
    const zone = zoneIn(frame, given.timezone);
    if (isNullish(start) || isNullish(unit) || isNullish(amount) || zone === null) return null;
    const count = toInteger(amount);
    if (count === undefined) throw new ServerError(5166405, `${name} expects integer amount of time units`);
    return shifted(dateFor(start), unitOf(unit), sign * Number(count), zone);
  };
}

function shifted(date: Date, unit: Unit, amount: number, zone: string | undefined): Date {
  const months = UNIT_MONTHS[unit];
  if (months === undefined && !(zone !== undefined && (unit === 'day' || unit === 'week')))
    return new Date(date.getTime() + amount * UNIT_MS[unit]!);
  const local = new Date(date.getTime() + offsetOf(date, zone));
  if (months === undefined) {
    local.setTime(local.getTime() + amount * UNIT_MS[unit]!);
  } else {
    const day = local.getUTCDate();
    local.setUTCDate(1);
    local.setUTCMonth(local.getUTCMonth() + amount * months);
    const lastDay = new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 0)).getUTCDate();
    local.setUTCDate(Math.min(day, lastDay));
  }
  return new Date(local.getTime() - offsetOf(local, zone));
}

/** How many beginnings of a unit lie between two dates. */
function boundariesBetween(start: Date, end: Date, unit: Unit, zone: string | undefined): number {
  return unitNumber(end, unit, zone) - unitNumber(start, unit, zone);
}

const WEEK_OFFSET_MS = 4 * 86_400_000; // 1 January 1970 was a Thursday; weeks begin on Sunday

function unitNumber(date: Date, unit: Unit, zone: string | undefined): number {
  const months = UNIT_MONTHS[unit];
  if (months !== undefined) {
    const { year, month } = partsOfDate(date, zone);
    return Math.floor((year * 12 + month - 1) / months);
  }
  const local = date.getTime() + offsetOf(date, zone) + (unit === 'week' ? WEEK_OFFSET_MS : 0);
  return Math.floor(local / UNIT_MS[unit]!);
}

/** Bins are counted from the year 2000. */
function truncated(date: Date, unit: Unit, binSize: number, zone: string | undefined): Date {
  const origin = new Date(Date.UTC(2000, 0, unit === 'week' ? 2 : 1));
  const utcOrigin = new Date(origin.getTime() - offsetOf(origin, zone));
  const bins = Math.floor(boundariesBetween(utcOrigin, date, unit, zone) / binSize);
  return shifted(utcOrigin, unit, bins * binSize, zone);
}
