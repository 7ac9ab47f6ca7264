import { Timestamp } from 'bson';
import type { Document } from 'bson';
import { CODES, ServerError } from '../server-error.js';
import type { Position } from './position.js';

export interface ResumeToken {
  readonly _data: string;
}

/** What a real server's tokens begin with, too: the type of a timestamp. */
const PREFIX = '82';
const FORMAT = /^82([0-9a-f]{8})([0-9a-f]{8})([0-9a-f]{8})04$/i;

/** A position as clients keep it: opaque to them, a different one for each event of a transaction, in the order of the events as text. */
export function tokenOf({ time, place }: Position): ResumeToken {
  const numbers = [time.getHighBitsUnsigned(), time.getLowBitsUnsigned(), place + 1];
  return { _data: `${PREFIX}${numbers.map((number) => number.toString(16).padStart(8, '0')).join('')}04`.toUpperCase() };
}

/** @throws ServerError it is no token of this server */
export function positionOf(token: unknown): Position {
  const data = (token as Document | null | undefined)?._data as unknown;
  if (typeof data !== 'string') throw new ServerError(40647, 'Bad resume token: _data of missing or of wrong type');
  const [, seconds, increment, place] = FORMAT.exec(data) ?? [];
  if (!seconds || !increment || !place)
    throw new ServerError(CODES.FailedToParse, `resume token string was not one of this server: ${data}`);
  return { time: new Timestamp({ t: parseInt(seconds, 16), i: parseInt(increment, 16) }), place: parseInt(place, 16) - 1 };
}
