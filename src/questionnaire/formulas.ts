/**
 * The expressions of a form on one response. They are FHIRPath, compiled by a function that is handed in, see `%resource`,
 * `%context`, `%questionnaire`, `%qitem` and the variables that the form defines, and share one allowance of work: what
 * is beyond it is told, not waited for. (SDC 4.0, expressions)
 */
import type { Coding, Element } from '../fhir/types.js';
import { limits } from '../kit/limits.js';
import { numberOf } from './extensions.js';
import { sameCoding } from './compare.js';
import { FHIRPATH, type Form, type Formula, type Question } from './form.js';
import type { Node } from './node.js';
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
export type Compile = (text: string, at: string, functions: Functions, reading: Work) => Expression;

export type Functions = Readonly<Record<string, { run: (input: unknown[]) => unknown[] }>>;

/** Why there are no values, and the rule that tells of it. */
export interface Failure {
  values?: never;
  why: string;
  rule: 'notChecked' | 'tooCostly';
}

export type Evaluated = { values: unknown[]; why?: never; rule?: never } | Failure;

export interface Formulas {
  /** In the context of the item, or of the response without one. */
  evaluate(formula: Formula, question: Question | undefined, node: Node | undefined): Evaluated;
}

/** Compiled expressions of one form; they outlive the response that they were first compiled for. */
export interface Compiled {
  known: Map<string, Expression | Failure>;
  reading: Work;
}

export const nothingCompiled = (): Compiled => ({ known: new Map(), reading: { left: limits.formExpressionTokens } });

export function formulasOn(
  form: Form,
  response: QuestionnaireResponse,
  nodes: readonly Node[],
  compile: Compile,
  compiled: Compiled,
  work: Work,
): Formulas {
  const common = { resource: response, rootResource: response, questionnaire: form.questionnaire };
  const known = new Map<Formula, Evaluated>();
  if (form.hasWeights) rememberWeights(nodes);

  const compiledOf = ({ expression }: Formula, at: string): Expression | Failure => {
    const key = `${at} ${expression}`;
    const known = compiled.known.get(key);
    if (known !== undefined) return known;
    const found = attempt(() => compile(expression, at, FUNCTIONS, compiled.reading));
    compiled.known.set(key, found);
    return found;
  };

  function evaluate(formula: Formula, question: Question | undefined, node: Node | undefined): Evaluated {
    if (formula.language !== FHIRPATH) return foreign(formula);
    const found = compiledOf(formula, question === undefined ? 'QuestionnaireResponse' : 'QuestionnaireResponse.item');
    if ('why' in found) return found;
    const variables: Record<string, unknown> = { ...common };
    if (question !== undefined) variables.qitem = question.item;
    for (const [name, value] of variablesFor(question)) {
      if (value.why !== undefined && formula.expression.includes(name))
        return { ...value, why: `%${name}: ${value.why}` };
      variables[name] = value.values ?? [];
    }
    const focus = question === undefined ? response : (node?.item ?? { linkId: question.linkId });
    return attempt(() => ({ values: found.evaluate(focus, variables, work) }));
  }

  /** Of the form, and of the questions around; an inner one hides an outer one of the same name. */
  function variablesFor(question: Question | undefined): Map<string, Evaluated> {
    const chain: Question[] = [];
    for (let around = question; around !== undefined; around = around.parent) chain.unshift(around);
    const all = [...form.variables, ...chain.flatMap(({ variables }) => variables)];
    const values = new Map<string, Evaluated>();
    for (const formula of all) {
      if (formula.name !== undefined) values.set(formula.name, variable(formula, values));
    }
    return values;
  }

  function variable(formula: Formula, before: ReadonlyMap<string, Evaluated>): Evaluated {
    const found = known.get(formula);
    if (found !== undefined) return found;
    let value: Evaluated;
    if (formula.language !== FHIRPATH) value = foreign(formula);
    else {
      const run = compiledOf(formula, 'QuestionnaireResponse');
      const variables: Record<string, unknown> = { ...common };
      for (const [name, { values }] of before) variables[name] = values ?? [];
      value = 'why' in run ? run : attempt(() => ({ values: run.find(response, variables, work) }));
    }
    known.set(formula, value);
    return value;
  }

  return { evaluate };
}

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
    return {
      why: message === undefined || message === '' ? 'it cannot be run' : message,
      rule: kind === 'costly' ? 'tooCostly' : 'notChecked',
    };
  }
}
