/** What an expression is compiled to: closures that give a collection, or a truth, for the element they are asked of. */
import type { Expression } from '../../../fhir/path/syntax.js';
import { valueOf, type Item, type Node } from './node.js';
import type { Shapes } from './shapes.js';

/** Where an expression is asked: what its variables stand for, and what was found for all of a resource's elements. */
export interface Env {
  shapes: Shapes;
  /** `%resource`: the resource that holds the element; `%rootResource`: the one that contains that, or the same. */
  resource: Node;
  root: Node;
  /** `%context`: the element that the rule is about. */
  context: Item;
  found: Map<Expression, { from: Item; list: Item[] }>;
}

/** `undefined` is FHIRPath's empty collection: neither true nor false. */
export type Truth = boolean | undefined;

export interface Compiled {
  list: (item: Item, env: Env) => Item[];
  truth: (item: Item, env: Env) => Truth;
}

export const ofList = (list: Compiled['list']): Compiled => ({
  list,
  truth: (item, env) => truthOf(list(item, env)),
});

export const ofTruth = (truth: Compiled['truth']): Compiled => ({
  truth,
  list: (item, env) => {
    const said = truth(item, env);
    return said === undefined ? [] : [said];
  },
});

/** A single value that is no boolean counts as true, several as no answer (FHIRPath N1, section 4.5). */
export function truthOf(list: readonly Item[]): Truth {
  const [only] = list;
  if (list.length !== 1 || only === undefined) return undefined;
  const value = valueOf(only);
  return typeof value === 'boolean' ? value : true;
}
