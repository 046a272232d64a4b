/**
 * `repeat(item | answer.item)`: what the projection leads to, and what it leads to from there, however deep the resource
 * goes. (FHIRPath N1, section 5.2.3) The types on the way are found once, when the expression is compiled, so that a
 * resource is walked without looking anything up; the walk ends where the resource ends.
 */
import type { Compiler } from './functions.js';
import type { Expression } from '../../fhir/path/syntax.js';
import type { Leaf } from './types.js';
import { walk, type Step } from './walk.js';

export const repeat: Compiler = (compilation, of, projection) => {
  if (projection === undefined) throw new Error('repeat() needs a projection.');
  const kinds: Kind[] = [];
  const parts = alternatives(projection);
  const failures = new Map<Expression, Error>();
  const understood = new Set<Expression>();

  /** The kind that a leaf is of, with all that can be reached from it. */
  const kindOf = (leaf: Leaf): Kind => {
    const known = kinds.find(({ of: { type, elements } }) => type === leaf.type && elements === leaf.elements);
    if (known !== undefined) return known;
    const kind: Kind = { of: { ...leaf, steps: [] }, next: [] };
    kinds.push(kind);
    kind.next = waysFrom(kind.of);
    return kind;
  };

  /** A part of the projection may be about some kinds only: a response has items, and its items have answers too. */
  const waysFrom = (leaf: Leaf): Way[] =>
    parts.flatMap((part) => {
      try {
        const next = compilation.compile(compilation.definitions, part, [{ ...leaf, steps: [] }]);
        understood.add(part);
        return next.map((one) => ({ steps: one.steps, to: kindOf(one) }));
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        failures.set(part, error);
        return [];
      }
    });

  const starts = of.map((leaf) => ({ leaf, ways: waysFrom(leaf) }));
  for (const [part, error] of failures) if (!understood.has(part)) throw error;
  return starts.flatMap(({ leaf, ways }) =>
    kinds.map((kind) => ({ ...kind.of, steps: [...leaf.steps, everything(ways, kind)] })),
  );
};

/** A type of elements that the repetition meets, and the ways that lead on from one of them. */
interface Kind {
  of: Leaf;
  next: readonly Way[];
}

interface Way {
  steps: readonly Step[];
  to: Kind;
}

const alternatives = (one: Expression): Expression[] =>
  one.kind === 'binary' && one.operator === '|' ? [...alternatives(one.left), ...alternatives(one.right)] : [one];

/** Passes on the elements of one kind, each before those that it leads to. */
function everything(ways: readonly Way[], wanted: Kind): Step {
  return function follow(value, emit, from: readonly Way[] = ways): void {
    for (const { steps, to } of from) {
      walk(steps, value, (one) => {
        if (to === wanted) emit(one);
        follow(one, emit, to.next);
      });
    }
  };
}
