/** V8 to V11: how often something is answered, whether it must be, and whether it was asked at all. */
import type { Question } from '../form.js';
import { say } from '../issue.js';
import { isAnswered, isGiven, missingNode, type Node } from '../node.js';
import { shown } from '../show.js';
import type { Checking, ItemRule, Say } from './rule.js';

/** V8 */
export const repeats: ItemRule = (_, node, question, tell) => {
  const { answers } = node;
  if (answers.length > 1 && !question.repeats) {
    tell(say(node, 'repeats', `takes one answer; found ${answers.length}`, 'answer[1]'));
  }
};

/** V11; an item without answers and items is a stub that apps leave, and says nothing. */
export const notEnabled: ItemRule = (_, node, question, tell) => {
  if (node.enabled || node.parent?.enabled === false) return;
  if (node.answers.length === 0 && (node.item.item?.length ?? 0) === 0) return;
  const why = question.whens.map(
    ({ question: other, operator, answer }) => `${other} ${operator} ${shown(answer?.value)}`,
  );
  const asked = why.length === 0 ? 'its condition' : why.join(question.all ? ' and ' : ' or ');
  tell(say(node, 'notEnabled', `was not asked: that needs ${asked}. Leave its answer out`));
};

/** V9, V10, and V8 for items: looks at what stands, and does not stand, in one item or in the response. */
export function occurrences(
  checking: Checking,
  parent: Node,
  questions: ReadonlyMap<string, Question>,
  tell: Say,
): void {
  if (!parent.enabled) return;
  // A question's own questions are asked below each of its answers.
  const isGroup = parent.question === undefined || parent.question.type === 'group';
  if (isGroup) below(checking, parent, questions, undefined, tell);
  else for (const at of parent.answers.keys()) below(checking, parent, questions, at, tell);
}

function below(
  checking: Checking,
  parent: Node,
  questions: ReadonlyMap<string, Question>,
  at: number | undefined,
  tell: Say,
): void {
  const children = new Map<Question, Node[]>();
  for (const node of parent.children) {
    if (node.question === undefined || (at !== undefined && node.below !== at)) continue;
    const known = children.get(node.question);
    if (known === undefined) children.set(node.question, [node]);
    else known.push(node);
  }
  for (const question of questions.values()) {
    const own = children.get(question) ?? NONE;
    if (own.length === 0 && !question.required && question.minOccurs === undefined) continue;
    occurs(checking, parent, question, own, at, tell);
  }
}

const NONE: readonly Node[] = [];

/** @param own the items of the question in one place */
function occurs(
  { enabling }: Checking,
  parent: Node,
  question: Question,
  own: readonly Node[],
  at: number | undefined,
  tell: Say,
): void {
  const isGroup = question.type === 'group';
  const [first, again] = own;
  if (again !== undefined && !(isGroup && question.repeats)) {
    const fix = isGroup
      ? 'occurs once; it does not repeat'
      : 'has one item; several answers stand in its list of answers';
    tell(say(again, 'repeats', fix));
  }
  if (question.type === 'display' || !enabling.isEnabled(question, parent, first)) return;
  const count = isGroup ? own.length : (first?.answers.length ?? 0);
  const here = first ?? missingNode(question, parent, at);
  if (question.required && (isGroup ? !own.some(isAnswered) : first?.answers.some(isGiven) !== true)) {
    const what = isGroup ? 'needs at least one answer in it' : 'must be answered';
    tell(say(here, 'required', what));
    return;
  }
  const { minOccurs, maxOccurs } = question;
  const what = isGroup ? 'occurs' : 'has';
  const unit = isGroup ? 'times' : 'answers';
  if (minOccurs !== undefined && question.required && question.repeats && count < minOccurs) {
    tell(say(here, 'minCount', `${what} at least ${minOccurs} ${unit}; found ${count}`));
  }
  if (maxOccurs !== undefined && question.repeats && count > maxOccurs) {
    tell(say(here, 'maxCount', `${what} at most ${maxOccurs} ${unit}; found ${count}`));
  }
}
