/**
 * Which questions are asked, by the answers that are there (R4 questionnaire.html#enableWhen). The rules, where R4 leaves
 * room:
 * - `exists` asks whether there is an answer; `=` whether any answer is equal; `>`, `<`, `>=`, `<=` whether at least one
 *   answer is (R4 prints "at least no answer", which cannot be meant); `!=` whether there is one and none is equal, so
 *   that a question that was not answered does not open others.
 * - A question that occurs several times is looked for nearby: what encloses the item, what comes before it, what comes
 *   after it, first inside of the same group and then further out.
 * - What stands in something that is not enabled is not enabled.
 */
import { order, same, type UnitOf } from './compare.js';
import type { Question, When } from './form.js';
import type { Node } from './node.js';
import { valueOf, type Answer } from './types.js';

/** What an expression says; undefined where it cannot be said. */
export type AskFormula = (question: Question, node: Node | undefined, parent: Node) => boolean | undefined;

export interface Enabling {
  /** Would the question be asked here, whether there is an item for it or not? */
  isEnabled(question: Question, parent: Node, node?: Node): boolean;
}

/** Also sets `enabled` of all nodes. */
export function enable(root: Node, nodes: readonly Node[], unitOf: UnitOf, ask: AskFormula): Enabling {
  /** Made when first asked for: most forms have conditions on few questions. */
  let byLinkId: Map<string, Node[]> | undefined;
  let lasts: Map<Node, number> | undefined;
  let placed: Map<Node, number> | undefined;

  const occurrences = (linkId: string): readonly Node[] => {
    if (byLinkId === undefined) {
      byLinkId = new Map();
      for (const node of nodes) {
        const known = byLinkId.get(node.item.linkId);
        if (known === undefined) byLinkId.set(node.item.linkId, [node]);
        else known.push(node);
      }
    }
    return byLinkId.get(linkId) ?? [];
  };

  function holds(question: Question, parent: Node, node: Node | undefined): boolean {
    const { whens, all, enableWhenExpression } = question;
    if (enableWhenExpression !== undefined) {
      // What cannot be evaluated is told by the rules; it must not make answers vanish.
      if (ask(question, node, parent) === false) return false;
    }
    if (whens.length === 0) return true;
    const one = (when: When): boolean => met(when, answersTo(when.question, question, parent, node), unitOf);
    return all ? whens.every(one) : whens.some(one);
  }

  function answersTo(linkId: string, from: Question, parent: Node, node: Node | undefined): readonly Answer[] {
    const found = occurrences(linkId);
    const [only] = found;
    if (only === undefined) return NONE;
    return (found.length === 1 ? only : nearest(found, from, parent, node)).answers;
  }

  function nearest(found: readonly Node[], from: Question, parent: Node, node: Node | undefined): Node {
    for (let around: Node | undefined = parent; around !== undefined; around = around.parent) {
      // Nodes stand in the order of the response, so what is inside of one follows it without a gap.
      const first = placeOf(around);
      const own = found[lowerBound(found, first)];
      if (own === around) return around;
      const [begin, end] = [lowerBound(found, first + 1), lowerBound(found, lastOf(around) + 1)];
      const here = node === undefined ? end : lowerBound(found, placeOf(node));
      const before = found[Math.min(here, end) - 1];
      if (before !== undefined && placeOf(before) > first && isBefore(before, from, node)) return before;
      if (begin < end) return found[begin] ?? around;
    }
    return found[0] ?? parent;
  }

  /** Where there is no item of the question, the places in the form say what comes before. */
  const isBefore = (one: Node, from: Question, node: Node | undefined): boolean =>
    node !== undefined || (one.question?.place ?? 0) < from.place;

  /** The root stands before all. */
  const placeOf = (node: Node): number => {
    placed ??= new Map(nodes.map((one, place) => [one, place]));
    return placed.get(node) ?? -1;
  };

  /** The place of the last node inside. */
  function lastOf(node: Node): number {
    if (lasts === undefined) {
      lasts = new Map();
      for (let at = nodes.length - 1; at >= 0; at -= 1) {
        const own = nodes[at];
        const parent = own?.parent;
        if (own === undefined || parent === undefined) continue;
        const last = lasts.get(own) ?? at;
        lasts.set(own, last);
        lasts.set(parent, Math.max(lasts.get(parent) ?? 0, last));
      }
    }
    return lasts.get(node) ?? placeOf(node);
  }

  /** The first of them that stands at this place or later. */
  function lowerBound(found: readonly Node[], place: number): number {
    let [low, high] = [0, found.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      const one = found[middle];
      if (one !== undefined && placeOf(one) < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  root.enabled = true;
  for (const node of nodes) {
    const { question, parent } = node;
    if (question !== undefined && parent !== undefined) {
      node.enabled = parent.enabled && (isPlain(question) || holds(question, parent, node));
    }
  }
  return {
    isEnabled: (question, parent, node) =>
      node?.enabled ?? (parent.enabled && (isPlain(question) || holds(question, parent, undefined))),
  };
}

const isPlain = ({ whens, enableWhenExpression }: Question): boolean =>
  whens.length === 0 && enableWhenExpression === undefined;

const NONE: readonly Answer[] = [];

/** One condition on the answers of the question that it names. */
export function met({ operator, answer }: When, answers: readonly Answer[], unitOf: UnitOf): boolean {
  if (operator === 'exists') return answers.some((one) => valueOf(one) !== undefined) === (answer?.value !== false);
  if (answer === undefined) return false;
  const values = answers.flatMap((one) => valueOf(one) ?? []);
  if (operator === '=') return values.some((value) => same(value, answer, unitOf));
  if (operator === '!=') return values.length > 0 && !values.some((value) => same(value, answer, unitOf));
  return values.some((value) => {
    const found = order(value, answer, unitOf);
    return found !== undefined && ORDERS[operator]?.(found) === true;
  });
}

const ORDERS: Readonly<Record<string, (order: number) => boolean>> = {
  '>': (found) => found > 0,
  '<': (found) => found < 0,
  '>=': (found) => found >= 0,
  '<=': (found) => found <= 0,
};
