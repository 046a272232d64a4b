/** What can be said of an expression before it is run. Each part is looked at once: a long path would take its square. */
import type { Expression } from '../syntax.js';

export interface Facts {
  /** Made of literals alone, as in `type in ('a' | 'b')`. */
  isConstant: boolean;
  /** About nothing but the item that it is asked of. */
  isInside: boolean;
  /** The variable that a path begins with: `%resource.item.where(linkId = 'a')`. */
  origin: string | undefined;
  /** How many parts it has. */
  size: number;
}

export type FactsOf = (expression: Expression) => Facts;

/** Of the parts of one expression. */
export function rememberFacts(): FactsOf {
  const known = new Map<Expression, Facts>();
  const factsOf: FactsOf = (expression) => {
    let found = known.get(expression);
    if (found === undefined) known.set(expression, (found = look(expression, factsOf)));
    return found;
  };
  return factsOf;
}

function look(expression: Expression, factsOf: FactsOf): Facts {
  const parts = partsOf(expression).map(factsOf);
  const isInside = parts.every((one) => one.isInside);
  const size = parts.reduce((sum, one) => sum + one.size, 1);
  const of = 'of' in expression && expression.of !== undefined ? factsOf(expression.of) : undefined;
  switch (expression.kind) {
    case 'literal':
      return { isConstant: true, isInside, origin: undefined, size };
    case 'nothing':
      return { isConstant: false, isInside, origin: undefined, size };
    case 'binary':
      return { isConstant: parts.every((one) => one.isConstant), isInside, origin: undefined, size };
    case 'variable': {
      const { name } = expression;
      return {
        isConstant: false,
        isInside: name === '$this',
        origin: name.startsWith('%') ? name : undefined,
        size,
      };
    }
    case 'member':
    case 'index':
      return { isConstant: false, isInside, origin: of?.origin, size };
    case 'call': {
      const isPath = expression.arguments.every((one) => factsOf(one).isInside);
      return { isConstant: false, isInside, origin: isPath ? of?.origin : undefined, size };
    }
    case 'type':
      return { isConstant: false, isInside, origin: undefined, size };
  }
}

function partsOf(expression: Expression): readonly Expression[] {
  if (expression.kind === 'binary') return [expression.left, expression.right];
  const of = 'of' in expression && expression.of !== undefined ? [expression.of] : NONE;
  return expression.kind === 'call' ? [...of, ...expression.arguments] : of;
}

const NONE: readonly Expression[] = [];
