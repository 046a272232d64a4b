/** How long and deep an expression of others may be, and which functions it may call with how many arguments. Pure. */
import { limits } from '../../kit/limits.js';
import { PathError } from './error.js';

/** What may still be read of the expressions of one form, in words and signs. */
export interface PathReading {
  left: number;
  /** Of that, before others have their turn; absent where nobody waits. */
  now?: number;
}

/** fhirpath.js takes at least so many times as long as we to read one. */
const LIBRARY = 50;

export const readByLibrary = (reading: PathReading, tokens: number): void => {
  readBy(reading, tokens * LIBRARY);
};

export function readBy(reading: PathReading, tokens: number): void {
  refuseReading(reading);
  reading.left -= tokens;
  if (reading.now !== undefined) reading.now -= tokens;
  if (reading.left < 0) throw tooMany();
}

/** Before anything is looked at: texts that are not read any more cost nothing, and one is read in each turn at least. */
function refuseReading({ left, now }: PathReading): void {
  if (left < 0) throw tooMany();
  if (now !== undefined && now <= 0) throw new PathError('later', 'others have their turn before it is read');
}

const tooMany = () => new PathError('costly', 'the expressions of this form are too many and too long to be read');

/** What reading the text will cost. That of one too long or too deep is paid for having been looked at. */
export function costOf(text: string, reading: PathReading): number {
  refuseReading(reading);
  try {
    return boundPath(text);
  } catch (error) {
    readBy(reading, Math.ceil(text.length / CHARACTERS_A_TOKEN));
    throw error;
  }
}

/**
 * How many words and signs it has; long ones count as several. Throws a PathError: the parsers' time grows with them, and
 * with the depth.
 */
function boundPath(text: string): number {
  const { pathCharacters, pathTokens, pathDepth } = limits;
  if (text.length > pathCharacters) {
    throw new PathError('costly', `it has ${text.length} characters; at most ${pathCharacters} are read`);
  }
  const tokens = text.match(/[A-Za-z_0-9]+|\S/g) ?? [];
  if (tokens.length > pathTokens) {
    throw new PathError('costly', `it has ${tokens.length} words and signs; at most ${pathTokens} are read`);
  }
  let depth = 0;
  for (const token of tokens) {
    if (/^[([{]$/.test(token)) depth += 1;
    else if (/^[)\]}]$/.test(token)) depth -= 1;
    if (depth > pathDepth) throw new PathError('costly', `it opens more than ${pathDepth} brackets in each other`);
  }
  return Math.max(tokens.length, Math.ceil(text.length / CHARACTERS_A_TOKEN));
}

const CHARACTERS_A_TOKEN = 16;

/** TABLE: function -> how many arguments it may have. fhirpath.js would pass over a wrong number with an empty result. */
const FUNCTIONS: Readonly<Record<string, readonly [least: number, most: number]>> = {
  ...arguments_('0', [
    ...['empty', 'not', 'allTrue', 'anyTrue', 'allFalse', 'anyFalse', 'isDistinct', 'distinct', 'count', 'single'],
    ...['first', 'last', 'tail', 'type', 'sum', 'min', 'max', 'avg', 'hasValue', 'getValue', 'children', 'descendants'],
    ...[
      'toInteger',
      'toLong',
      'toDecimal',
      'toString',
      'toDate',
      'toDateTime',
      'toTime',
      'toBoolean',
      'upper',
      'lower',
    ],
    ...['convertsToBoolean', 'convertsToInteger', 'convertsToDecimal', 'convertsToString', 'convertsToDate', 'length'],
    ...[
      'convertsToDateTime',
      'convertsToTime',
      'convertsToQuantity',
      'toChars',
      'trim',
      'abs',
      'ceiling',
      'exp',
      'floor',
    ],
    ...['ln', 'sqrt', 'truncate', 'now', 'today', 'timeOfDay', 'yearOf', 'monthOf', 'dayOf', 'hourOf', 'minuteOf'],
    ...['secondOf', 'millisecondOf', 'timezoneOffsetOf', 'dateOf', 'timeOf', 'htmlChecks'],
  ]),
  ...arguments_('0-1', ['exists', 'toQuantity', 'join', 'round', 'lowBoundary', 'highBoundary']),
  ...arguments_('1', [
    ...['all', 'subsetOf', 'supersetOf', 'where', 'extension', 'select', 'ofType', 'is', 'as', 'take', 'skip'],
    ...['combine', 'union', 'intersect', 'exclude', 'indexOf', 'lastIndexOf', 'startsWith', 'endsWith', 'contains'],
    ...['split', 'encode', 'decode', 'escape', 'unescape', 'log', 'power', 'repeat', 'comparable'],
  ]),
  ...arguments_('1-2', ['aggregate', 'trace', 'defineVariable', 'substring', 'matches', 'matchesFull']),
  ...arguments_('2', ['replace', 'replaceMatches']),
  ...arguments_('2-3', ['iif']),
  ...arguments_('1-9', ['coalesce']),
};

export const argumentsOf = (name: string): readonly [least: number, most: number] | undefined =>
  Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;

function arguments_(numbers: string, names: string[]): Record<string, readonly [number, number]> {
  const [least = 0, most = least] = numbers.split('-').map(Number);
  return Object.fromEntries(names.map((name) => [name, [least, most] as const]));
}
