/**
 * Pairs the items of a response with the questions of its form, by linkId and place. What cannot be paired is told here
 * and not looked at further: it has no question whose rules could be asked. (R4 questionnaireresponse.html#link)
 */
import type { Form, Question } from './form.js';
import { say, type Found } from './issue.js';
import { nodeOf, type Node } from './node.js';
import type { QuestionnaireResponse, ResponseItem } from './types.js';

export interface Walked {
  root: Node;
  /** In the order of the response, without the root. */
  nodes: Node[];
  found: Found[];
}

export function walk(form: Form, response: QuestionnaireResponse): Walked {
  const root = nodeOf(undefined, response as unknown as ResponseItem, undefined, undefined, 0);
  const walked: Walked = { root, nodes: [], found: [] };
  pair(walked, form, form.top, root, response.item ?? [], undefined);
  return walked;
}

function pair(
  walked: Walked,
  form: Form,
  questions: ReadonlyMap<string, Question>,
  parent: Node,
  items: readonly ResponseItem[],
  below: number | undefined,
): void {
  let last = -1;
  for (let index = 0; index < items.length; index += 1) {
    const item = items[index];
    if (item === undefined) continue;
    const question = questions.get(item.linkId);
    const node = nodeOf(question, item, parent, below, index);
    if (question === undefined) {
      walked.found.push(lost(form, node));
      continue;
    }
    if (question.order < last) walked.found.push(say(node, 'invalidLinkId', OUT_OF_ORDER));
    last = Math.max(last, question.order);
    parent.children.push(node);
    walked.nodes.push(node);
    if (!fits(walked, node, question)) continue;
    if (question.children.size === 0 && question.type !== 'group') {
      if (node.answers.some((answer) => answer.item !== undefined)) inside(walked, form, node, question);
    } else if (question.type === 'group') pair(walked, form, question.children, node, item.item ?? [], undefined);
    else inside(walked, form, node, question);
  }
}

function inside(walked: Walked, form: Form, node: Node, question: Question): void {
  for (const [at, answer] of node.answers.entries()) {
    if (answer.item !== undefined) pair(walked, form, question.children, node, answer.item, at);
  }
}

const OUT_OF_ORDER = 'stands after one that the questionnaire asks later; items come in the order of the questionnaire';

/** V4 to V6: whether the item has what its question's type may have. */
function fits(walked: Walked, node: Node, { type }: Question): boolean {
  const { item } = node;
  if (type === 'question') {
    walked.found.push(say(node, 'invalidType', 'has the abstract type "question", which nobody can answer'));
    return false;
  }
  if (type === 'display' && (item.answer !== undefined || item.item !== undefined)) {
    walked.found.push(say(node, 'displayAnswer', 'is only shown; it can have no answers and no items'));
    return false;
  }
  if (type === 'group' && item.answer !== undefined) {
    const fix = 'is a group, which has no answers of its own; put them on the questions in it';
    walked.found.push(say(node, 'groupShouldNotHaveAnswers', fix, 'answer'));
    return false;
  }
  if (type !== 'group' && item.item !== undefined) {
    const fix = 'is a question: what is asked below it stands in its answer (answer.item), not in item';
    walked.found.push(say(node, 'groupShouldNotHaveAnswers', fix, 'item'));
    return false;
  }
  return true;
}

function lost(form: Form, node: Node): Found {
  const known = form.questions.get(node.item.linkId);
  if (known === undefined) {
    const linkId = JSON.stringify(node.item.linkId.slice(0, 60));
    return say(node, 'invalidLinkId', `has the linkId ${linkId}, which ${form.name} does not have`);
  }
  const place = known.parent === undefined ? 'at the top' : `inside of "${known.parent.linkId}"`;
  return say({ ...node, question: known }, 'invalidLinkId', `belongs ${place}, not here`);
}
