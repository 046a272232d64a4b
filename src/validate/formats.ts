/**
 * What the primitive types of R4 look like in JSON (R4 datatypes.html#primitive). Every test takes time linear in the
 * value: R4's own pattern for base64Binary, for one, backtracks on megabytes.
 */

import { parseReference } from '../fhir/reference.js';

export interface Format {
  /** What is allowed, for a message. */
  expects: string;
  /** @param digits a number's digits as they were written, where they are not JavaScript's own */
  test(value: unknown, digits?: string): boolean;
}

/** Characters in one string (R4 datatypes.html#string). */
const stringCharacters = 1024 * 1024;
const integerMax = 2 ** 31 - 1;
const integerMin = -(2 ** 31);

// eslint's own rule against control characters in patterns is not on: they are what this one looks for.
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

const text = (expects: string, matches: (value: string) => boolean): Format => ({
  expects,
  test: (value) =>
    typeof value === 'string' &&
    value !== '' &&
    value.length <= stringCharacters &&
    !forbidden.test(value) &&
    matches(value),
});

const pattern = (expects: string, regex: RegExp): Format => text(expects, (value) => regex.test(value));

const integer = (expects: string, min: number): Format => ({
  expects,
  test: (value, digits) =>
    typeof value === 'number' &&
    Number.isInteger(value) &&
    value >= min &&
    value <= integerMax &&
    (digits === undefined || /^-?\d+$/.test(digits)),
});

const anyText = text(
  'text in quotes, 1 to 1,048,576 characters, with no control characters other than tab and line ends',
  () => true,
);
const uri = (expects: string): Format => pattern(`${expects} without spaces`, /^\S+$/);

const year = '(?!0000)\\d{4}';
const day = '(\\d\\d)-(\\d\\d)';
const clock = '(?:[01]\\d|2[0-3]):[0-5]\\d:(?:[0-5]\\d|60)(?:\\.\\d+)?';
const zone = '(?:Z|[+-](?:(?:0\\d|1[0-3]):[0-5]\\d|14:00))';
const dated = (body: string): ((value: string) => boolean) => {
  const regex = new RegExp(`^(${year})${body}$`);
  return (value) => {
    const match = regex.exec(value);
    return match !== null && isCalendarDay(Number(match[1]), match[2] ?? match[4], match[3]);
  };
};

/** Primitive type -> its format. */
export const formats: Readonly<Record<string, Format>> = {
  boolean: { expects: 'true or false, without quotes', test: (value) => typeof value === 'boolean' },
  integer: integer('a whole number of at most 32 bits, written with digits alone', integerMin),
  positiveInt: integer('a whole number from 1 to 2147483647, written with digits alone', 1),
  unsignedInt: integer('a whole number from 0 to 2147483647, written with digits alone', 0),
  decimal: {
    expects: 'a number, without quotes',
    test: (value) => typeof value === 'number' && Number.isFinite(value),
  },
  string: anyText,
  markdown: anyText,
  code: pattern('text in quotes without spaces at its ends, and with none but single ones inside', /^\S+(?: \S+)*$/),
  id: pattern('text in quotes of 1 to 64 letters, digits, "-" and "."', /^[A-Za-z0-9\-.]{1,64}$/),
  uri: uri('a URI'),
  url: uri('a URL'),
  canonical: uri('a canonical URL'),
  /** Not a type of R4: what the string of a Reference must be (R4 references.html#literal). */
  reference: text(
    'Type/id, an absolute URL, a urn, or # and the id of a contained resource',
    (value) => parseReference(value) !== undefined || /^[A-Z][A-Za-z]{1,63}\?\S+$/.test(value),
  ),
  oid: pattern('an OID such as urn:oid:1.2.3', /^urn:oid:[0-2](?:\.(?:0|[1-9]\d*))+$/),
  uuid: pattern(
    'a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520, in lower case',
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
  ),
  date: text('a date that exists: YYYY, YYYY-MM or YYYY-MM-DD', dated(`(?:-${day}|-(\\d\\d))?`)),
  dateTime: text(
    'a date that exists (YYYY, YYYY-MM, YYYY-MM-DD), or with a time YYYY-MM-DDThh:mm:ss and a zone (Z or +hh:mm)',
    dated(`(?:-${day}(?:T${clock}${zone})?|-(\\d\\d))?`),
  ),
  instant: text(
    'a date that exists with time and zone: YYYY-MM-DDThh:mm:ssZ or …+hh:mm',
    dated(`-${day}T${clock}${zone}`),
  ),
  time: pattern('a time of day: hh:mm:ss', new RegExp(`^${clock}$`)),
  base64Binary: { expects: 'base64 (RFC 4648) in full groups of four', test: isBase64 },
  xhtml: {
    expects: 'XHTML that begins with <div',
    test: (value) => typeof value === 'string' && /^\s{0,100}<div[\s/>]/.test(value),
  },
};

function isCalendarDay(year: number, month?: string, day?: string): boolean {
  if (month === undefined) return true;
  const last = daysOf(year, Number(month));
  return last !== undefined && (day === undefined || (Number(day) >= 1 && Number(day) <= last));
}

const days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function daysOf(year: number, month: number): number | undefined {
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && leap ? 29 : days[month - 1];
}

/** White space may stand anywhere: R4 allows it between groups, and MIME's line breaks fall where they fall. */
function isBase64(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  const packed = /\s/.test(value) ? value.replace(/\s+/g, '') : value;
  return packed.length > 0 && packed.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(packed);
}
