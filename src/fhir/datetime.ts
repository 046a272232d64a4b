/**
 * Partial dates as spans of time: `2013-06` is the whole of June. Both ends are included, in milliseconds since 1970.
 * A date without a zone is taken as UTC: R4 leaves the choice to the server, and the same text must always mean the
 * same span, wherever the server stands. (R4 datatypes.html#dateTime, search.html#date)
 */
import type { Instant } from '../kit/clock.js';

export interface Span {
  from: Instant;
  to: Instant;
}

const PATTERN = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d)?)?)?)?$/;

/** The first and last instants a FHIR date can name; they stand for the open ends of a Period. */
export const firstInstant: Instant = startOf(1, 1, 1);
export const lastInstant: Instant = startOf(10_000, 1, 1) - 1;

/** The span that a date, dateTime or instant covers; undefined for what is none, or for a day that does not exist. */
export function spanOf(text: string): Span | undefined {
  const match = PATTERN.exec(text);
  if (match === null) return undefined;
  const [, yearText, monthText, dayText, hourText, minuteText, secondText, fraction, zone] = match;
  const year = Number(yearText);
  if (year === 0) return undefined;
  if (monthText === undefined) return { from: startOf(year, 1, 1), to: startOf(year + 1, 1, 1) - 1 };
  const month = Number(monthText);
  if (month < 1 || month > 12) return undefined;
  if (dayText === undefined) return { from: startOf(year, month, 1), to: startOf(year, month + 1, 1) - 1 };
  const day = Number(dayText);
  if (day < 1 || day > daysIn(year, month)) return undefined;
  const midnight = startOf(year, month, day);
  if (hourText === undefined) return { from: midnight, to: midnight + DAY - 1 };

  const [hour, minute, second] = [Number(hourText), Number(minuteText), Number(secondText ?? 0)];
  const offset = offsetOf(zone);
  // A leap second is allowed and is the first second of the next minute; 24:00 is not. (R4 datatypes.html#instant)
  if (hour > 23 || minute > 59 || second > 60 || offset === undefined) return undefined;
  const [part, width] = secondText === undefined ? [0, MINUTE] : partOf(fraction);
  const from = midnight + hour * HOUR + minute * MINUTE + second * SECOND + part - offset;
  return { from, to: from + width - 1 };
}

/** The instant as FHIR writes it, in UTC with milliseconds. */
export function instantText(at: Instant): string {
  return new Date(at).toISOString();
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Date.UTC reads the years 0 to 99 as 1900 to 1999, so it is asked about the same day 400 years (146,097 days) on. */
function startOf(year: number, month: number, day: number): Instant {
  return Date.UTC(year + 400, month - 1, day) - 146_097 * 86_400_000;
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

/** The digits behind the second say how exact it is: `.5` is a tenth of a second wide. Finer than 1 ms is cut off. */
function partOf(fraction: string | undefined): [part: number, width: number] {
  if (fraction === undefined) return [0, SECOND];
  const digits = fraction.slice(0, 3);
  return [Number(digits.padEnd(3, '0')), 10 ** (3 - digits.length)];
}

function offsetOf(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z') return 0;
  const [hours, minutes] = [Number(zone.slice(1, 3)), Number(zone.slice(4))];
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return undefined;
  return (hours * HOUR + minutes * MINUTE) * (zone.startsWith('-') ? -1 : 1);
}
