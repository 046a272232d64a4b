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
