/**
 * Regular expressions that others wrote, run by a linear engine: no pattern and no text makes it go back, so the time is
 * bounded by their lengths. What such an engine cannot do (references back, looking ahead) is refused by it.
 */
import { RE2JS } from 're2js';
import { limits } from './limits.js';

export interface Pattern {
  /** Somewhere in the text. */
  found(text: string): boolean;
  /** The text as a whole. */
  matches(text: string): boolean;
  replaceAll(text: string, by: string): string;
  /** Steps of one run on the text, at most: the size of the pattern times the text's. */
  cost(text: string): number;
}

/** Throws an Error whose message ends a sentence: "the pattern …". */
export function compilePattern(source: string, flags = ''): Pattern {
  if (source.length > limits.patternCharacters) {
    throw new Error(`has ${source.length} characters; at most ${limits.patternCharacters} are read`);
  }
  if (patternSize(source) > limits.patternSize) {
    throw new Error(`has repetitions that stand for more than ${limits.patternSize} characters`);
  }
  let compiled: RE2JS;
  try {
    // FHIRPath has a dot match line ends too (N1, 5.6.9).
    compiled = RE2JS.compile(source, RE2JS.DOTALL | (flags.includes('i') ? RE2JS.CASE_INSENSITIVE : 0));
  } catch (error) {
    const reason = error instanceof Error ? error.message.slice(0, 100) : 'unknown reason';
    throw new Error(`cannot be run by a linear engine (${reason})`, { cause: error });
  }
  const { patternSteps } = limits;
  const cost = (text: string): number => compiled.programSize() * text.length;
  const bounded = (text: string): string => {
    if (cost(text) <= patternSteps) return text;
    throw new Error(`would take more than ${patternSteps} steps on a text of ${text.length} characters`);
  };
  return {
    found: (text) => compiled.matcher(bounded(text)).find(),
    matches: (text) => compiled.matches(bounded(text)),
    replaceAll: (text, by) => compiled.matcher(bounded(text)).replaceAll(by),
    cost,
  };
}

/** How long the pattern is with its counted repetitions written out: `(ab{2}){3}` stands for nine. Without compiling it. */
export function patternSize(source: string): number {
  const groups: { size: number; last: number }[] = [];
  let group = { size: 0, last: 0 };
  const part = (size: number): void => {
    group = { size: group.size + size, last: size };
  };
  for (const [token, , most = '0'] of source.matchAll(PART)) {
    if (token === '(') {
      groups.push(group);
      group = { size: 0, last: 0 };
    } else if (token === ')') {
      const { size } = group;
      group = groups.pop() ?? { size: 0, last: 0 };
      part(size);
    } else if (REPETITION.test(token)) {
      const times = Math.max(1, Number(most));
      group = { size: group.size + group.last * (times - 1), last: group.last * times };
    } else part(token.length > 1 ? CLASS : 1);
  }
  return Math.max(
    source.length,
    groups.reduce((sum, { size }) => sum + size, group.size),
  );
}

/** A repetition with the larger of its numbers, a class, what is escaped, or a character. */
const PART = /\{(?:(\d+),)?(\d+),?\}|\[\^?\]?(?:\\.|[^\]\\])*\]|\\[pP]\{\w*\}|\\[pP]?.|[^]/g;
const REPETITION = /^\{(?:\d+,)?\d+,?\}$/;
/** A class of characters takes as long as two. */
const CLASS = 2;
