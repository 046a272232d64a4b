/** How long and deep an expression of others may be, and which functions it may call with how many arguments. Pure. */
import { limits } from '../../kit/limits.js';
import { PathError } from './error.js';

/** Throws a PathError. The parser's time grows with the square of the tokens, and with the depth: both are counted before it begins. */
export function boundPath(text: string): void {
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
}

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
