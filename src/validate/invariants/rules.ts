/** The rules of a type or element, compiled when it is first met. */
import type { Definitions, Invariant } from '../../fhir/definitions.js';
import { parseExpression } from '../../fhir/path/syntax.js';
import { amended, elsewhere, type Amendment } from './amendments.js';
import { isLocalKnown } from './contained.js';
import type { Env } from '../../fhir/path/compiler/compiled.js';
import { compile } from '../../fhir/path/compiler/compile.js';
import { invariantDialect } from './fhirpath/dialect.js';
import type { Node } from '../../fhir/path/compiler/node.js';
import type { Shape } from '../../fhir/path/compiler/shapes.js';
import { narrativeRules } from './narrative.js';

export interface Rule {
  key: string;
  severity: 'error' | 'warning';
  /** What is wrong with the element; undefined where nothing is. */
  wrong: (node: Node, env: Env) => string | undefined;
}

export interface Rules {
  /** Those of a type, with those of the types that it derives from. */
  ofShape(shape: Shape): readonly Rule[];
  /** Those of an element that has a type of its own, by its path. */
  ofElement(path: string): readonly Rule[];
}

export function createRules({ invariants }: Definitions): Rules {
  const at = (path: string): Rule[] => [...(invariants.get(path) ?? []).flatMap(rulesOf), ...(ownRules[path] ?? [])];
  return {
    ofShape: ({ name, lineage }) => (name.includes('.') ? at(name) : [...lineage].flatMap(at)),
    ofElement: at,
  };
}

function rulesOf({ key, severity = 'error', human, expression }: Invariant): Rule[] {
  if (Object.hasOwn(elsewhere, key)) return [];
  const asked: readonly Partial<Amendment>[] = amended(expression) ?? [{ expression }];
  return asked.map((one) => {
    const { truth } = compile(parseExpression(one.expression ?? expression), invariantDialect);
    const sentence = `${(one.human ?? human).replace(/\.?\s*$/, '')} (${key}).`;
    return {
      key,
      severity: one.severity ?? severity,
      // No answer is no: R4 means what follows from nothing to be wrong, as of `repeats = true or initial.count() <= 1`.
      wrong: (node, env) => (truth(node, env) === true ? undefined : sentence),
    };
  });
}

/** TABLE: path -> rules that are no FHIRPath. */
const ownRules: Readonly<Record<string, readonly Rule[]>> = {
  Reference: [
    {
      key: 'ref-1',
      severity: 'error',
      wrong: (node, env) =>
        isLocalKnown(node.value, env)
          ? undefined
          : 'This refers to a contained resource that is not there: "contained" needs one with this id (ref-1).',
    },
  ],
  'Narrative.div': narrativeRules,
};
