/** One rule of the table in `index.ts`. */
import type { UnitOf } from '../compare.js';
import type { Enabling } from '../enable-when.js';
import type { Form, Question } from '../form.js';
import type { Formulas, Work } from '../formulas.js';
import type { Found } from '../issue.js';
import type { Node } from '../node.js';
import type { QuestionnaireResponse, Value } from '../types.js';

/** The codes of a value set, or why they are not known here. */
export type Codes = { has: (system: string | undefined, code: string) => boolean } | { why: string };

export interface Checking {
  form: Form;
  response: QuestionnaireResponse;
  root: Node;
  nodes: readonly Node[];
  enabling: Enabling;
  formulas: Formulas;
  /** What the patterns of all questions may still do on this response. */
  patterns: Work;
  unitOf: UnitOf;
  /** Of a canonical or `#id`, as the form names it. */
  codesOf: (valueSet: string) => Codes;
}

export type Say = (found: Found) => void;

/** Of one item and its answers. */
export type ItemRule = (checking: Checking, node: Node, question: Question, say: Say) => void;

/** Of one value of an answer; `at` is where it stands, `answer[0].value`. */
export type ValueRule = (
  checking: Checking,
  node: Node,
  question: Question,
  value: Value,
  at: string,
  say: Say,
  answer: number,
) => void;

/** Of the response as a whole. */
export type WholeRule = (checking: Checking, say: Say) => void;
