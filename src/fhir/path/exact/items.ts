/** What forms ask most often: the items of one linkId, found by a map where there are many. */
import { isObject } from '../../../kit/json.js';
import type { Env } from '../compiler/compiled.js';
import { Node, type Item } from '../compiler/node.js';
import type { Expression } from '../syntax.js';
import { children, doubt } from './sure.js';

/** The text in `linkId = 'text'`. */
export function linkIdAsked(criteria: Expression | undefined): string | undefined {
  if (criteria?.kind !== 'binary' || criteria.operator !== '=') return undefined;
  const { left, right } = criteria;
  if (left.kind !== 'member' || left.of !== undefined || left.name !== 'linkId') return undefined;
  return right.kind === 'literal' && typeof right.value === 'string' ? right.value : undefined;
}

const FEW = 8;
const maps = new WeakMap<readonly Item[], Map<string, Item[]>>();

/** A list that several ask for is the same object each time (`compile.ts`), so its map is made once. */
export function ofLinkId(list: Item[], linkId: string): Item[] {
  if (list.length < FEW) return list.filter((one) => linkIdOf(one) === linkId);
  let known = maps.get(list);
  if (known === undefined) {
    known = new Map();
    for (const one of list) {
      const own = linkIdOf(one);
      if (own === undefined) continue;
      const others = known.get(own);
      if (others === undefined) known.set(own, [one]);
      else others.push(one);
    }
    maps.set(list, known);
  }
  return known.get(linkId) ?? [];
}

function linkIdOf(item: Item): string | undefined {
  if (!(item instanceof Node) || !isObject(item.value)) return doubt();
  const { linkId, _linkId } = item.value;
  if (_linkId !== undefined) doubt();
  return linkId === undefined || typeof linkId === 'string' ? linkId : doubt();
}

/**
 * `descendants().where(linkId = '…')` finds items alone: no type of R4's elements has a linkId, and of resources that
 * hold one inside nothing is said here. In the order of descendants: level by level.
 */
export const within = {
  /** No name that an expression could call. */
  name: 'items within',
  items(list: Item[], env: Env): Item[] {
    const found: Item[] = [];
    for (let level = list; level.length > 0;) {
      const next: Item[] = [];
      for (const one of level) {
        if (!(one instanceof Node) || !isObject(one.value) || !PLACES.has(one.shape.name)) doubt();
        if (one.value.contained !== undefined) doubt();
        for (const key in one.value) if (key === 'item' || key === 'answer') children(one, key, env, next);
      }
      for (const one of next) found.push(one);
      level = next;
    }
    return found;
  },
};

const PLACES = new Set(['QuestionnaireResponse', 'QuestionnaireResponse.item', 'QuestionnaireResponse.item.answer']);

/** Such an expression, in the words of the table. */
export function rewritten(expression: Expression): Expression {
  switch (expression.kind) {
    case 'binary':
      return { ...expression, left: rewritten(expression.left), right: rewritten(expression.right) };
    case 'member':
      return expression.of === undefined ? expression : { ...expression, of: rewritten(expression.of) };
    case 'index':
    case 'type':
      return { ...expression, of: rewritten(expression.of) };
    case 'call': {
      const of = expression.of === undefined ? undefined : rewritten(expression.of);
      const isItems =
        expression.name === 'where' && of?.kind === 'call' && of.name === 'descendants' && of.arguments.length === 0;
      const found = isItems && linkIdAsked(expression.arguments[0]) !== undefined ? { ...of, name: within.name } : of;
      return { ...expression, arguments: expression.arguments.map(rewritten), ...(found && { of: found }) };
    }
    case 'literal':
    case 'nothing':
    case 'variable':
      return expression;
  }
}
