/** What an expression is compiled to: closures that give a collection, or a truth, for the element they are asked of. */
import type { PathWork } from '../meter.js';
import type { BinaryOperator, Expression } from '../syntax.js';
import { valueOf, type Item, type Node } from './node.js';
import type { Shapes } from './shapes.js';

/** Where an expression is asked: what its variables stand for, and what was found for all who ask of one resource. */
export interface Env {
  shapes: Shapes;
  /** `%resource`: the resource that holds the element; `%rootResource`: the one that contains that, or the same. */
  resource: Node;
  root: Node;
  /** `%context`: the element that the expression is about. */
  context: Item;
  /** By the text of a path from a variable on, and what that variable stood for. */
  found: Map<string, { from: Item; list: Item[] }>;
  /** Variables that forms define, as collections. */
  variables: Readonly<Record<string, unknown>>;
  /** `$total`, inside of aggregate(). */
  total: Item[];
  work: PathWork;
}

/** `undefined` is FHIRPath's empty collection: neither true nor false. */
export type Truth = boolean | undefined;

export interface Compiled {
  list: (item: Item, env: Env) => Item[];
  truth: (item: Item, env: Env) => Truth;
}

/**
 * @param from the expression that `of` was made of
 * @param written the arguments, as `list` was made of them
 */
export type Make = (of: Compiled, list: Compiled[], from: Expression, written: readonly Expression[]) => Compiled;
export type Operator = (left: Compiled, right: Compiled) => Compiled;

/**
 * What may stand in an expression, and how exactly it must be answered: R4's own rules have one, expressions of others
 * another (`exact/`).
 */
export interface Dialect {
  functions: Readonly<Record<string, Make>>;
  operators: Readonly<Partial<Record<BinaryOperator, Operator>>>;
  variable: (name: string) => Compiled['list'] | undefined;
  /** Variables that stand for the same wherever they are asked in one resource: paths from them are found once. */
  isSteady: (variable: string) => boolean;
  /** Adds the children of that name. */
  children: (item: Item, name: string, env: Env, found: Item[]) => void;
  isA: (item: Item, type: string, env: Env) => boolean;
  /** From how a list is made. */
  of: (list: Compiled['list']) => Compiled;
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
