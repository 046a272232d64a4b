/**
 * JSON in and out without loss. JavaScript's own parser forgets a decimal's digits (`1.10`), takes the last of two
 * equal keys, and lets lone surrogates and nulls through; in a clinical record each of these is a silent change.
 *
 * The cheap proof: when `JSON.stringify(JSON.parse(text))` is `text` again, nothing was lost and no key came twice.
 * Only other texts (spaces, `1.10`, escapes, nulls) are read by the slow scanner of `json-scan.ts`, which keeps the
 * digits as they were written beside the number.
 */
import { digitsOf, DIGITS } from './json-digits.js';
import { JsonError, placeOf, scan, stringEnd } from './json-scan.js';

export { JsonError, type Place } from './json-scan.js';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/**
 * Reads one JSON value. Throws a JsonError that names line, column and path for: what is not JSON or not UTF-8,
 * duplicate keys, nulls as values of properties, lone surrogates, control characters other than tab and line ends,
 * numbers that no double can hold, and more than `depth` levels.
 */
export function parseJson(input: string | Uint8Array, depth: number): unknown {
  return readJson(input, depth).value;
}

/** The same, with the text where it is the very one that `stringify` would make of the value. */
export function readJson(input: string | Uint8Array, depth: number): { value: unknown; text?: string } {
  const text = typeof input === 'string' ? input : decode(input);
  const deep = depthExceeded(text, depth);
  if (deep !== undefined)
    throw new JsonError(`More than ${String(depth)} levels of objects and arrays.`, placeOf(text, deep));
  if (isPlain(text)) {
    const value = parseFast(text);
    if (value !== undefined && JSON.stringify(value) === text) return { value, text };
  }
  return { value: scan(text) };
}

/** The number's digits as they were written, where they are not the ones that JavaScript would write. */
export function rawNumber(parent: object, key: string | number): string | undefined {
  return digitsOf(parent)?.[key];
}

/**
 * Writes JSON; numbers that were read with other digits than JavaScript's get those digits again. A new object that
 * is given parts of a value that was read must be made by spreading it, or hold them in arrays: that carries the mark.
 */
export function stringify(value: unknown): string {
  if (!marked(value)) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item, index) => stringifyMember(value, index, item)).join(',')}]`;
  const members: string[] = [];
  for (const [key, item] of Object.entries(value)) {
    if (item !== undefined) members.push(`${JSON.stringify(key)}:${stringifyMember(value, key, item)}`);
  }
  return `{${members.join(',')}}`;
}

/** Indents a JSON text by two spaces without reading its values. */
export function indent(text: string): string {
  let out = '';
  let level = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    if (char === '"') {
      const end = stringEnd(text, at);
      out += text.slice(at, end + 1);
      at = end;
    } else if (char === '{' || char === '[') {
      const empty = text[at + 1] === '}' || text[at + 1] === ']';
      level += 1;
      out += empty ? char : `${char}\n${'  '.repeat(level)}`;
    } else if (char === '}' || char === ']') {
      level -= 1;
      const empty = text[at - 1] === '{' || text[at - 1] === '[';
      out += empty ? char : `\n${'  '.repeat(level)}${char}`;
    } else if (char === ',') out += `,\n${'  '.repeat(level)}`;
    else out += char === ':' ? ': ' : char;
  }
  return out;
}

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw new JsonError('The body is not UTF-8.', { line: 1, column: 1 });
  }
}

/**
 * A text with no `null` and no `\u` has neither misplaced nulls, nor lone surrogates or control characters that
 * JSON.parse would let through; raw ones in the text it refuses itself, or the decoder has.
 */
const isPlain = (text: string): boolean => !text.includes('\\u') && !text.includes('null') && text.isWellFormed();

function parseFast(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined; // the scanner says where and why
  }
}

/** The position at which nesting goes deeper than `limit`. */
function depthExceeded(text: string, limit: number): number | undefined {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = stringEnd(text, at);
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > limit) return at;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return undefined;
}

const marked = (value: unknown): value is Record<string | number, unknown> =>
  typeof value === 'object' && value !== null && (DIGITS in value || (Array.isArray(value) && value.some(marked)));

function stringifyMember(parent: object, key: string | number, item: unknown): string {
  if (typeof item !== 'number') return stringify(item ?? null);
  const raw = digitsOf(parent)?.[key];
  // Whoever changed the number since made its digits void.
  return raw !== undefined && Object.is(Number(raw), item) ? raw : JSON.stringify(item);
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
