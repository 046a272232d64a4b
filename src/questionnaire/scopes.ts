/**
 * The variables that a form defines, where they may be used: those of the form everywhere, those of an item in it and
 * below it. Each is evaluated in the context of what it is defined on, so that every repetition of a group has its own;
 * one may use those before it, and an inner one hides an outer one of its name. (SDC 4.0, variable)
 */
import type { Form, Formula } from './form.js';
import type { Evaluated } from './formulas.js';
import type { Node } from './node.js';

export interface Scope {
  own: ReadonlyMap<string, Evaluated>;
  outer: Scope | undefined;
}

type Define = (formula: Formula, node: Node | undefined, scope: Scope) => Evaluated;

/** What a name means there; undefined for what no form defines, as `%resource`. */
export function lookUp(scope: Scope, name: string): Evaluated | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) {
    const found = at.own.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The scope of an item, or of the response without one; made when first asked for. */
export function createScopes(form: Form, define: Define): (node: Node | undefined) => Scope {
  const known = new Map<Node, Scope>();
  let root: Scope | undefined;

  const scopeWith = (formulas: readonly Formula[], node: Node | undefined, outer: Scope | undefined): Scope => {
    const own = new Map<string, Evaluated>();
    const scope = { own, outer };
    for (const formula of formulas) {
      if (formula.name !== undefined) own.set(formula.name, define(formula, node, scope));
    }
    return scope;
  };

  return function scopeOf(node): Scope {
    // The root of the nodes stands for the response.
    if (node?.parent === undefined) return (root ??= scopeWith(form.variables, undefined, undefined));
    const found = known.get(node);
    if (found !== undefined) return found;
    const outer = scopeOf(node.parent);
    const variables = node.question?.variables ?? [];
    const scope = variables.length === 0 ? outer : scopeWith(variables, node, outer);
    known.set(node, scope);
    return scope;
  };
}
