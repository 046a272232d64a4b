/** An item of a response beside its question. */
import type { Element } from '../fhir/types.js';
import type { Question } from './form.js';
import { valueOf, type Answer, type Extension, type ResponseItem } from './types.js';

/** An item of the response; the root stands for the response itself. */
export interface Node {
  question: Question | undefined;
  item: ResponseItem;
  parent: Node | undefined;
  /** Which answer of the parent it stands below; undefined below a group. */
  below: number | undefined;
  index: number;
  answers: readonly Answer[];
  children: Node[];
  /** Set by `enable-when.ts`. */
  enabled: boolean;
}

export function nodeOf(
  question: Question | undefined,
  item: ResponseItem,
  parent: Node | undefined,
  below: number | undefined,
  index: number,
): Node {
  const answers = parent === undefined ? NONE : (item.answer ?? NONE);
  return { question, item, parent, below, index, answers, children: [], enabled: true };
}

const NONE: readonly Answer[] = [];

/** Stands for an item that is not there: its path is where it would be. */
export const missingNode = (question: Question, parent: Node, below: number | undefined): Node =>
  nodeOf(question, { linkId: question.linkId }, parent, below, -1);

/** FHIRPath of the item in the response. */
export function pathOf(node: Node): string {
  const { parent, below, index } = node;
  if (parent === undefined) return 'QuestionnaireResponse';
  const above = `${pathOf(parent)}${below === undefined ? '' : `.answer[${below}]`}`;
  // What is missing is told where it is missing from.
  return index < 0 ? above : `${above}.item[${index}]`;
}

/** Whether anything was answered in it, at any depth. */
export const isAnswered = (node: Node): boolean => node.answers.some(isGiven) || node.children.some(isAnswered);

/** A value, or why there is none: items below an answer, or extensions that say something else, are no answer. */
export const isGiven = (answer: Answer): boolean =>
  valueOf(answer) !== undefined || [answer, ...besides(answer)].some(isDeclined);

const besides = (answer: Answer): Element[] =>
  Object.keys(answer).flatMap((name) => (name.startsWith('_value') ? [answer[name] as Element] : []));

const isDeclined = ({ extension }: Element): boolean =>
  ((extension ?? []) as Extension[]).some(({ url }) => url === ABSENT);

const ABSENT = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';
