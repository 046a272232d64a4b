/** An item of a response beside its question. */
import type { Question } from './form.js';
import type { Answer, ResponseItem } from './types.js';

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
export const isAnswered = (node: Node): boolean => node.answers.length > 0 || node.children.some(isAnswered);
