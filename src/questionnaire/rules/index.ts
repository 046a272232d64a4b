/** TABLE: the rules, in the order in which they report. A new rule is a row here and in `issue.ts`. */
import { answerType, newLine, url } from './answer-type.js';
import { decimalPlaces, length, range, regex } from './bounds.js';
import { calculated, constraints, notDecided, readOnly, wholeConstraints } from './formula.js';
import { notEnabled, repeats } from './occurs.js';
import { exclusive, options, valueSet } from './options.js';
import type { Question } from '../form.js';
import type { ItemRule, ValueRule, WholeRule } from './rule.js';
import { attachment, reference, unit } from './special.js';
import { formStatus, itemText, modifiers, signature, subjectType, unjudged } from './whole.js';

/** Of the response, with each question asked once. */
export const wholeRules: readonly WholeRule[] = [
  formStatus,
  subjectType,
  modifiers,
  wholeConstraints,
  signature,
  unjudged,
];

/** Of each item. `structure` is what a response that is stopped must meet too. */
export const itemRules: readonly ItemRule[] = [
  itemText,
  notEnabled,
  notDecided,
  repeats,
  exclusive,
  constraints,
  calculated,
  readOnly,
];

/** Of the type of each value: what fails these is not looked at further. */
export const typeRules: readonly ValueRule[] = [answerType, newLine];

/** Of each value: what only questions with extensions or a maxLength ask, and what others ask too. */
const demanded: readonly ValueRule[] = [length, range, decimalPlaces, regex];
const always: readonly ValueRule[] = [options, valueSet, unit, attachment, reference];

export const valueRules = ({ hasDemands }: Question): readonly ValueRule[] => (hasDemands ? ALL : PLAIN);

const ALL: readonly ValueRule[] = [url, ...demanded, ...always];
const PLAIN: readonly ValueRule[] = [url, ...always];
