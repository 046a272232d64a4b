/**
 * The expressions of a form on one response. They are FHIRPath, compiled by a function that is handed in, see `%resource`,
 * `%context`, `%questionnaire`, `%qitem` and the variables in whose scope they stand, and share one allowance of work: what
 * is beyond it is told, not waited for. (SDC 4.0, expressions)
 */
import type { Coding, Element } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import { numberOf } from './extensions.js';
import { sameCoding } from './compare.js';
import { FHIRPATH, formulasIn, type Form, type Formula, type Question } from './form.js';
import type { Node } from './node.js';
import { createScopes, lookUp, type Scope } from './scopes.js';
import { valueOf, type Extension, type QuestionnaireResponse } from './types.js';

export interface Work {
  left: number;
}

type Variables = Readonly<Record<string, unknown>>;

export interface Expression {
  /** The values, as JSON holds them. */
  evaluate(focus: Element, variables: Variables, work: Work): unknown[];
  /** The same for a variable of other expressions, in whatever form keeps their types. */
  find(focus: Element, variables: Variables, work: Work): unknown[];
}

/**
 * Throws an Error that says why the text is no expression that can be run. `at` is what it will begin from; `reading`,
 * what all expressions of a form may take to be read.
 */
export type Compile = (text: string, at: string, functions: Functions, reading: Reading) => Expression;

export type Functions = Readonly<Record<string, { run: (input: unknown[]) => unknown[] }>>;

/** Why there are no values, and the rule that tells of it. */
export interface Failure {
  values?: never;
  why: string;
  rule: 'notChecked' | 'tooCostly';
}

export type Evaluated = { values: unknown[]; why?: never; rule?: never } | Failure;

export interface Formulas {
  /** In the context of the item, there or not, or of the response without one. */
  evaluate(formula: Formula, node: Node | undefined): Evaluated;
}

/** Compiled expressions of one form; they outlive the response that they were first compiled for. */
export interface Compiled {
  known: Map<Formula, Expression | Failure>;
  reading: Reading;
  isRead: boolean;
}

export interface Reading extends Work {
  now?: number;
}

export const nothingCompiled = (): Compiled => ({
  known: new Map(),
  reading: { left: limits.formExpressionTokens },
  isRead: false,
});

/** Throws what has to be asked once more later, as `fhir/path/turns.ts` does. */
export function formulasOn(
  form: Form,
  response: QuestionnaireResponse,
  nodes: readonly Node[],
  compile: Compile,
  compiled: Compiled,
  work: Work,
): Formulas {
  const common = { resource: response, rootResource: response, questionnaire: form.questionnaire };
  if (form.hasWeights) rememberWeights(nodes);
  // All of them before any is run, so that what has to be asked once more later was not done in vain.
  if (!compiled.isRead) {
    for (const formula of [...form.variables, ...form.constraints.map(({ formula }) => formula)]) {
      compiledOf(formula, undefined);
    }
    for (const question of form.questions.values()) {
      for (const [, formula] of formulasIn(question)) compiledOf(formula, question);
    }
    compiled.isRead = true;
  }

  function compiledOf(formula: Formula, question: Question | undefined): Expression | Failure {
    const known = compiled.known.get(formula);
    if (known !== undefined) return known;
    const at = question === undefined ? 'QuestionnaireResponse' : 'QuestionnaireResponse.item';
    const found =
      formula.language === FHIRPATH
        ? attempt(() => compile(formula.expression, at, FUNCTIONS, compiled.reading))
        : foreign(formula);
    compiled.known.set(formula, found);
    return found;
  }

  function run(formula: Formula, node: Node | undefined, scope: Scope, how: 'evaluate' | 'find'): Evaluated {
    const found = compiledOf(formula, node?.question);
    if ('why' in found) return found;
    // To say so of each of very many would take longer than they do.
    if (work.left < 0) return SPENT;
    const variables: Record<string, unknown> = { ...common };
    if (node?.question !== undefined) variables.qitem = node.question.item;
    for (const name of formula.mentions) {
      const value = lookUp(scope, name);
      if (value?.why !== undefined) return { ...value, why: `%${name}: ${value.why}` };
      if (value !== undefined) variables[name] = value.values;
    }
    return attempt(() => ({ values: found[how](node?.item ?? response, variables, work) }));
  }

  const scopeOf = createScopes(form, (formula, node, scope) => run(formula, node, scope, 'find'));
  return { evaluate: (formula, node) => run(formula, node, scopeOf(node), 'evaluate') };
}

const SPENT: Failure = { why: 'the expressions of this form take too many steps on these values', rule: 'tooCostly' };

/** The score of an answer: its own, or that of the option it was chosen from. Empty where there is none. */
const weigh = (input: unknown[]): unknown[] =>
  input.flatMap((one) => {
    if (typeof one !== 'object' || one === null) return [];
    const own = numberOf((one as { extension?: Extension[] }).extension, 'weight') ?? weights.get(one);
    if (own !== undefined) return [own];
    const inside = valueOf(one as Element)?.value;
    const score = typeof inside === 'object' && inside !== null ? weights.get(inside) : undefined;
    return score === undefined ? [] : [score];
  });

/** SDC's `weight()`, and `ordinal()` as it was called before. */
export const FUNCTIONS: Functions = { weight: { run: weigh }, ordinal: { run: weigh } };

/** Which weight an answer has, the form alone knows: `LA6569-3` is worth 1 in one and 0 in another. */
const weights = new WeakMap<object, number>();

function rememberWeights(nodes: readonly Node[]): void {
  for (const { question, answers } of nodes) {
    if (question === undefined || question.options.length === 0) continue;
    for (const answer of answers) {
      const value = valueOf(answer);
      if (value?.type !== 'Coding') continue;
      const option = question.options.find(
        ({ type, value: other }) => type === 'Coding' && sameCoding(value.value as Coding, other as Coding),
      );
      if (option?.weight !== undefined) weights.set(value.value as object, option.weight);
    }
  }
}

const foreign = ({ language }: Formula): Failure => ({
  why: `its language is ${language.slice(0, 60)}, not FHIRPath`,
  rule: 'notChecked',
});

function attempt<T>(run: () => T): T | Failure {
  try {
    return run();
  } catch (error) {
    const { kind, message } = error as { kind?: string; message?: string };
    if (kind === 'later') throw error;
    return {
      why: message === undefined || message === '' ? 'it cannot be run' : message,
      rule: kind === 'costly' ? 'tooCostly' : 'notChecked',
    };
  }
}
