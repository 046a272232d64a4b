/**
 * A Questionnaire made ready: each question with what it demands, looked up once, however many responses come. What is
 * wrong with the form itself is told by `lint.ts`; here a later question of the same linkId is passed over.
 */
import { limits } from '../kit/limits.js';
import { compilePattern, patternSize, type Pattern } from '../kit/pattern.js';
import { firstOf, numberOf, partOf, textOf, valuesOf } from './extensions.js';
import {
  valueOf,
  type AnswerOption,
  type Condition,
  type Extension,
  type Questionnaire,
  type QuestionnaireItem,
  type Value,
} from './types.js';
import { unjudgedIn } from './unjudged.js';

/** An expression of the form, and the name that it has as a variable. */
export interface Formula {
  name?: string;
  language: string;
  expression: string;
  /** The names of variables that stand in it, without their sign. */
  mentions: readonly string[];
}

export interface Demand {
  key: string;
  severity: 'error' | 'warning';
  human: string;
  formula: Formula;
}

/** What one condition of `enableWhen` asks of another question. */
export interface When {
  question: string;
  operator: string;
  answer: Value | undefined;
}

export interface Question {
  linkId: string;
  type: string;
  text: string | undefined;
  /** FHIRPath of its definition, as `Questionnaire.item[0].item[2]`. */
  path: string;
  item: QuestionnaireItem;
  parent: Question | undefined;
  /** Its place among its siblings. */
  order: number;
  /** Its place in the form, counted from the top. */
  place: number;
  children: ReadonlyMap<string, Question>;
  required: boolean;
  repeats: boolean;
  minOccurs: number | undefined;
  maxOccurs: number | undefined;
  whens: readonly When[];
  all: boolean;
  enableWhenExpression: Formula | undefined;
  calculatedExpression: Formula | undefined;
  answerExpression: Formula | undefined;
  /** What an answer must be among; `optionsOnly`, `optionsOrType` or `optionsOrString`. */
  answerConstraint: string;
  options: readonly (Value & { exclusive: boolean; weight: number | undefined })[];
  constraints: readonly Demand[];
  variables: readonly Formula[];
  /** Undefined where there is none; a text says why the one that there is cannot be run. */
  regex: Pattern | string | undefined;
  /** Demands of values that most questions do not have: the rules of `rules/` for them are skipped without. */
  hasDemands: boolean;
  mimeTypes: readonly string[];
  referenceTypes: readonly string[];
  units: readonly unknown[];
}

export interface Form {
  questionnaire: Questionnaire;
  /** `url|version`, or how else it is known. */
  name: string;
  questions: ReadonlyMap<string, Question>;
  top: ReadonlyMap<string, Question>;
  variables: readonly Formula[];
  constraints: readonly Demand[];
  /** Canonicals of the value sets of answers and units. */
  valueSets: readonly string[];
  /** URLs of the modifierExtensions of the form and its items. */
  modifiers: readonly string[];
  /** What it demands that no rule looks at. */
  unjudged: readonly string[];
  hasFormulas: boolean;
  hasWeights: boolean;
}

/** @param name how messages call it */
export function formOf(questionnaire: Questionnaire, name: string): Form {
  const questions = new Map<string, Question>();
  const top = read(questionnaire.item ?? [], undefined, 'Questionnaire', questions, patternReader());
  const all = [...questions.values()];
  const constraints = constraintsOf(questionnaire.extension);
  const variables = formulasOf(questionnaire.extension, 'variable');
  return {
    questionnaire,
    name: name.slice(0, 200),
    questions,
    top,
    variables,
    constraints,
    valueSets: [
      ...new Set(
        all.flatMap(({ item }) => [item.answerValueSet, textOf(item.extension, 'unitValueSet')]).filter(isText),
      ),
    ],
    modifiers: [questionnaire, ...all.map(({ item }) => item)]
      .flatMap(({ modifierExtension }) => modifierExtension ?? [])
      .map(({ url }) => String(url)),
    unjudged: unjudgedIn(
      questionnaire,
      all.map(({ item }) => item),
    ),
    hasFormulas: constraints.length > 0 || all.some(hasFormula),
    hasWeights: all.some(({ options }) => options.some(({ weight }) => weight !== undefined)),
  };
}

/** With a stack of its own: a form may be as deep as a body may be. */
function read(
  items: readonly QuestionnaireItem[],
  parent: Question | undefined,
  path: string,
  questions: Map<string, Question>,
  patternOf: ReadPattern,
): Map<string, Question> {
  const children = new Map<string, Question>();
  for (const [order, item] of items.entries()) {
    if (questions.has(item.linkId) || questions.size >= limits.questions) continue;
    const question = questionOf(item, parent, `${path}.item[${order}]`, order, questions.size, patternOf);
    questions.set(item.linkId, question);
    children.set(item.linkId, question);
    question.children = read(item.item ?? [], question, question.path, questions, patternOf);
  }
  return children;
}

function questionOf(
  item: QuestionnaireItem,
  parent: Question | undefined,
  path: string,
  order: number,
  place: number,
  patternOf: ReadPattern,
): Question {
  const { extension, linkId, type, text } = item;
  const options = (item.answerOption ?? []).flatMap(optionOf);
  const regex = textOf(extension, 'regex');
  const units = valuesOf(extension, 'unitOption');
  const mimeTypes = valuesOf(extension, 'mimeType').filter(isText);
  const referenceTypes = valuesOf(extension, 'referenceResource').filter(isText);
  return {
    linkId,
    type,
    text,
    path,
    item,
    parent,
    order,
    place,
    children: new Map(),
    required: item.required === true,
    repeats: item.repeats === true,
    minOccurs: numberOf(extension, 'minOccurs'),
    maxOccurs: numberOf(extension, 'maxOccurs'),
    whens: (item.enableWhen ?? []).map(whenOf),
    all: item.enableBehavior === 'all',
    enableWhenExpression: formulaOf(firstOf(extension, 'enableWhenExpression')),
    calculatedExpression: formulaOf(firstOf(extension, 'calculatedExpression')),
    answerExpression: formulaOf(firstOf(extension, 'answerExpression')),
    answerConstraint:
      textOf(extension, 'answerConstraint') ?? (type === 'open-choice' ? 'optionsOrString' : 'optionsOnly'),
    options,
    constraints: constraintsOf(extension),
    variables: formulasOf(extension, 'variable'),
    regex: regex === undefined ? undefined : patternOf(regex),
    hasDemands: extension !== undefined || item.maxLength !== undefined,
    mimeTypes,
    referenceTypes,
    units,
  };
}

type ReadPattern = (regex: string) => Pattern | string;

/** Each pattern of a form is read once, and only so many: those of a thousand characters take half a millisecond. */
function patternReader(): ReadPattern {
  const known = new Map<string, Pattern | string>();
  let left: number = limits.formPatternCharacters;
  return (regex) => {
    const found = known.get(regex);
    if (found !== undefined) return found;
    left -= patternSize(regex);
    const made = left < 0 ? 'is not read: the patterns of this form are too many and too long' : readPattern(regex);
    known.set(regex, made);
    return made;
  };
}

function readPattern(regex: string): Pattern | string {
  try {
    return compilePattern(regex);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function optionOf(option: AnswerOption): Question['options'][number][] {
  const value = valueOf(option);
  if (value === undefined) return [];
  const exclusive = firstOf(option.extension, 'optionExclusive') === true;
  const weight =
    numberOf(option.extension, 'weight') ??
    numberOf((option.valueCoding as { extension?: Extension[] } | undefined)?.extension, 'weight');
  return [{ ...value, exclusive, weight }];
}

const whenOf = (condition: Condition): When => ({
  question: condition.question,
  operator: condition.operator,
  answer: valueOf(condition, 'answer'),
});

/** R4's `questionnaire-constraint` has its parts as extensions, SDC's `targetConstraint` likewise under other names. */
function constraintsOf(extensions: Extension[] | undefined): Demand[] {
  return [...valuesOf(extensions, 'constraint'), ...valuesOf(extensions, 'targetConstraint')].flatMap((one) => {
    const written = partOf(one, 'expression');
    const formula = formulaOf(typeof written === 'string' ? { expression: written } : written);
    if (formula === undefined) return [];
    const severity = partOf(one, 'severity') === 'warning' ? 'warning' : 'error';
    const [key, human] = [partOf(one, 'key'), partOf(one, 'human')];
    return [
      { key: isText(key) ? key : '', severity, human: isText(human) ? human : formula.expression, formula } as const,
    ];
  });
}

const formulasOf = (extensions: Extension[] | undefined, name: 'variable'): Formula[] =>
  valuesOf(extensions, name).flatMap((one) => formulaOf(one) ?? []);

function formulaOf(value: unknown): Formula | undefined {
  const { name, language, expression } = (value ?? {}) as Partial<Formula>;
  if (typeof expression !== 'string') return undefined;
  const mentions = expression.length > limits.pathCharacters ? [] : mentionedIn(expression);
  return { ...(typeof name === 'string' ? { name } : {}), language: language ?? FHIRPATH, expression, mentions };
}

/** Some of them may stand in a text, and mean nothing there. */
const mentionedIn = (expression: string): string[] => [
  ...new Set(
    [...expression.matchAll(/%(?:(\w+)|`([^`]*)`|'([^']*)')/g)].map(([, ...names]) => names.find(isText) ?? ''),
  ),
];

export const FHIRPATH = 'text/fhirpath';

/** All expressions of a question, and which extension each stands in. */
export const formulasIn = (question: Question): [name: string, formula: Formula][] => [
  ...(['enableWhenExpression', 'calculatedExpression', 'answerExpression'] as const).flatMap((name) => {
    const formula = question[name];
    return formula === undefined ? [] : [[name, formula] as [string, Formula]];
  }),
  ...question.constraints.map(({ formula }) => ['constraint', formula] as [string, Formula]),
  ...question.variables.map((formula) => ['variable', formula] as [string, Formula]),
];

const hasFormula = (question: Question): boolean => formulasIn(question).length > 0;

const isText = (value: unknown): value is string => typeof value === 'string';
