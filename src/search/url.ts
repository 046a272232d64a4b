/**
 * The text of a query as parameters, before anyone knows what they mean: percent and plus decoded, FHIR's escapes
 * kept until a value has been split where it must be. (R4 search.html#escaping)
 */
import { failure } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';

export interface QueryParameter {
  /** As the client wrote it, decoded: `code:not`. */
  key: string;
  /** The key, or what is left of it behind the steps of a chain. */
  path: string;
  name: string;
  /** What follows the first colon of the path. */
  modifier?: string;
  /** Decoded, but with FHIR's own escapes still in it. */
  raw: string;
}

export function parseQuery(query: string): QueryParameter[] {
  const text = query.startsWith('?') ? query.slice(1) : query;
  const pairs = text.split('&', limits.parameters + 1);
  if (pairs.length > limits.parameters) {
    throw failure('too-costly', `A query holds at most ${limits.parameters} parameters (limits.parameters).`);
  }
  return pairs.filter((pair) => pair !== '').map(parameterOf);
}

/** The parameter with name and modifier of a part of its key. */
export function named({ key, raw }: Pick<QueryParameter, 'key' | 'raw'>, path: string): QueryParameter {
  const colon = path.indexOf(':');
  const name = colon < 0 ? path : path.slice(0, colon);
  return { key, path, name, raw, ...(colon < 0 ? {} : { modifier: path.slice(colon + 1) }) };
}

/** The alternatives of one parameter: what its commas separate, still escaped. */
export function orValues(parameter: QueryParameter): string[] {
  const values = splitUnescaped(parameter.raw, ',');
  const at = `http.${parameter.key}`;
  if (values.length > limits.orValues) {
    throw failure('too-costly', `${parameter.key} has at most ${limits.orValues} values (limits.orValues).`, at);
  }
  for (const value of values) {
    if (value === '') throw failure('value', `${parameter.key} has an empty value; leave it out or give it one.`, at);
    if (value.length <= limits.valueCharacters) continue;
    const most = `at most ${limits.valueCharacters} characters (limits.valueCharacters)`;
    throw failure('too-costly', `A value of ${parameter.key} has ${most}.`, at);
  }
  return values;
}

/** Splits where the separator stands without a backslash before it; what comes out is still escaped. */
export function splitUnescaped(raw: string, separator: ',' | '|' | '$'): string[] {
  if (!raw.includes(separator)) return [raw];
  const parts: string[] = [];
  let start = 0;
  for (let at = 0; at < raw.length; at += 1) {
    if (raw[at] === '\\') at += 1;
    else if (raw[at] === separator) {
      parts.push(raw.slice(start, at));
      start = at + 1;
    }
  }
  parts.push(raw.slice(start));
  return parts;
}

/** Undoes `\,` `\|` `\$` and `\\`; undefined when a backslash stands before anything else. */
export function unescapeValue(raw: string): string | undefined {
  if (!raw.includes('\\')) return raw;
  let text = '';
  for (let at = 0; at < raw.length; at += 1) {
    const character = raw.charAt(at);
    if (character === '\\') {
      at += 1;
      const escaped = raw.charAt(at);
      if (escaped === '' || !',|$\\'.includes(escaped)) return undefined;
      text += escaped;
    } else text += character;
  }
  return text;
}

/** One parameter as it stands in a link; commas, colons and the like stay readable. */
export function printParameter({ key, raw }: QueryParameter): string {
  return `${encode(key)}=${encode(raw)}`;
}

const encode = (text: string): string =>
  READABLE.test(text) ? text : encodeURIComponent(text).replace(/%(2C|3A|2F|24)/g, (code) => decodeURIComponent(code));

/** What stands in a link as it is. */
const READABLE = /^[\w.!~*'(),:/$-]*$/;

function parameterOf(pair: string): QueryParameter {
  const equals = pair.indexOf('=');
  const key = decode(equals < 0 ? pair : pair.slice(0, equals));
  const raw = decode(equals < 0 ? '' : pair.slice(equals + 1));
  const parameter = named({ key, raw }, key);
  if (parameter.name === '') throw failure('invalid', 'A parameter of the query has no name; write name=value.');
  return parameter;
}

function decode(text: string): string {
  let decoded: string;
  try {
    decoded = text.includes('+') || text.includes('%') ? decodeURIComponent(text.replaceAll('+', ' ')) : text;
  } catch {
    const shown = text.slice(0, 80);
    throw failure('invalid', `'${shown}' is not valid percent-encoded UTF-8; write a literal % as %25.`);
  }
  // FHIR strings hold no control characters (R4 datatypes.html#string), and a NUL ends texts in some databases.
  if (decoded.includes('\0')) throw failure('invalid', 'A parameter of the query contains the character U+0000.');
  return decoded;
}
