/** What an expression of others may be: how long, how deep, and which functions it may call. */
import { limits } from '../../kit/limits.js';
import { parsePath, PathError, type Syntax } from './engine.js';

/** Throws a PathError for what `compilePath` would refuse. */
export function checkPath(text: string, functions: readonly string[] = []): void {
  bound(text);
  visit(parsePath(text), functions);
}

/** The parser's time grows with the square of the tokens, and with the depth: both are counted before it begins. */
function bound(text: string): void {
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

function arguments_(numbers: string, names: string[]): Record<string, readonly [number, number]> {
  const [least = 0, most = least] = numbers.split('-').map(Number);
  return Object.fromEntries(names.map((name) => [name, [least, most] as const]));
}

/** Recursion is safe here: the depth of brackets and the number of tokens are bounded before. */
function visit(node: Syntax, functions: readonly string[]): void {
  if (node.type === 'FunctionInvocation') {
    const name = node.text ?? '';
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
    const count = node.children?.[0]?.children?.[1]?.children?.length ?? 0;
    if (known === undefined && !functions.includes(name)) {
      throw new PathError('refused', `the function ${name.slice(0, 40)}() is not known here`);
    }
    if (known !== undefined && (count < known[0] || count > known[1])) {
      const [least, most] = known;
      const number = least === most ? String(least) : `${least} to ${most}`;
      throw new PathError('syntax', `${name}() takes ${number} arguments, not ${count}`);
    }
  }
  for (const child of node.children ?? []) visit(child, functions);
}
