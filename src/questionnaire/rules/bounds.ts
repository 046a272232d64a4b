/** V12 to V15: how long, how large, how exact, and of what form a value is. */
import { rawNumber } from '../../kit/json.js';
import { order } from '../compare.js';
import { firstOf, numberOf, textOf } from '../extensions.js';
import { say } from '../issue.js';
import { plain, shown } from '../show.js';
import type { Value } from '../types.js';
import type { ValueRule } from './rule.js';

/** V12, in characters as a reader counts them. */
export const length: ValueRule = (_, node, { item }, { type, value }, at, tell) => {
  if (type !== 'string' && type !== 'uri') return;
  const shortest = numberOf(item.extension, 'minLength');
  const longest = item.maxLength;
  const count = lengthOf(String(value));
  if (longest !== undefined && count > longest) {
    tell(say(node, 'maxLength', `takes at most ${longest} characters; found ${count}`, at));
  }
  if (shortest !== undefined && count < shortest) {
    tell(say(node, 'minLength', `takes at least ${shortest} characters; found ${count}`, at));
  }
};

/** A character outside of the basic plane is two units of a string, but one character. */
function lengthOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at += (text.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) count += 1;
  return count;
}

/** V13 */
export const range: ValueRule = ({ unitOf }, node, { item }, value, at, tell) => {
  for (const [rule, names, isWrong, word] of BOUNDS) {
    for (const name of names) {
      const bound = firstOf(item.extension, name);
      // Without a value of its own an expression makes it, which is told of as not checked.
      if (bound === undefined || isExtension(bound)) continue;
      const found = order(value, boundAs(bound, value.type), unitOf);
      if (found === undefined && value.type === 'Quantity') {
        const say_ = `takes a quantity that can be compared with ${shown(bound)}; found ${shown(value.value)}`;
        tell(say(node, rule === 'minValue' ? 'minValueIncompatUnits' : 'maxValueIncompatUnits', say_, at));
      } else if (found !== undefined && isWrong(found)) {
        tell(say(node, rule, `takes ${word} ${shown(bound)}; found ${shown(value.value)}`, at));
      }
    }
  }
};

const isExtension = (bound: unknown): boolean => typeof bound === 'object' && bound !== null && 'url' in bound;

const BOUNDS = [
  ['minValue', ['minValue', 'minQuantity'], (found: number) => found < 0, 'at least'],
  ['maxValue', ['maxValue', 'maxQuantity'], (found: number) => found > 0, 'at most'],
] as const;

/** A bound's own type stands in the form; numbers, dates and quantities are told apart by what they are. */
const boundAs = (bound: unknown, type: string): Value => ({
  type: typeof bound === 'object' ? 'Quantity' : typeof bound === 'number' ? 'decimal' : type,
  value: bound,
});

/** V14; the digits as they were written: `1.50` has two. */
export const decimalPlaces: ValueRule = (_, node, { item }, { type, value }, at, tell, index) => {
  const most = numberOf(item.extension, 'maxDecimalPlaces');
  if (most === undefined || (type !== 'decimal' && type !== 'Quantity')) return;
  const answer = node.answers[index];
  const [holder, name] = type === 'decimal' ? [answer, 'valueDecimal'] : [value as object, 'value'];
  const number: unknown = (holder as Record<string, unknown> | undefined)?.[name];
  if (holder === undefined || typeof number !== 'number') return;
  const digits = rawNumber(holder, name) ?? String(number);
  const places = placesOf(digits);
  if (places > most)
    tell(say(node, 'maxDecimalPlaces', `takes at most ${most} decimal places; found ${plain(digits)}`, at));
};

function placesOf(digits: string): number {
  const [number = '', exponent = '0'] = digits.toLowerCase().split('e');
  const dot = number.indexOf('.');
  return Math.max(0, (dot < 0 ? 0 : number.length - dot - 1) - Number(exponent));
}

/** V15 */
export const regex: ValueRule = ({ patterns }, node, { regex: pattern, item }, { value }, at, tell) => {
  if (pattern === undefined || (typeof value !== 'string' && typeof value !== 'number')) return;
  if (typeof pattern === 'string') {
    tell(say(node, 'notChecked', `has a regular expression that was not checked: it ${pattern}`, at));
    return;
  }
  patterns.left -= pattern.cost(String(value));
  if (patterns.left < 0) {
    const why = 'the answers to questions that have one are too many and too long';
    tell(say(node, 'tooCostly', `has a regular expression that was not checked: ${why}`, at));
    return;
  }
  try {
    if (pattern.matches(String(value))) return;
  } catch (error) {
    const why = error instanceof Error ? error.message : '';
    tell(say(node, 'notChecked', `has a regular expression that was not checked: it ${why}`, at));
    return;
  }
  const format = textOf(item.extension, 'entryFormat');
  tell(say(node, 'regex', `takes another form${format === undefined ? '' : `: ${format}`}`, at));
};
