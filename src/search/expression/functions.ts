/** The FHIRPath functions that search parameters call: one row each. */
import type { Definitions } from '../../fhir/definitions.js';
import { typeName, type Expression } from '../../fhir/path/syntax.js';
import { repeat } from './repeat.js';
import { children, isType, narrow, RESOLVED, type Leaf } from './types.js';
import { collect, truth, type Step } from './walk.js';

type Call = Extract<Expression, { kind: 'call' }>;

/** The compiler itself is handed in: criteria are expressions too. */
export interface Compilation {
  definitions: Definitions;
  compile(definitions: Definitions, expression: Expression, context: readonly Leaf[]): Leaf[];
}

export function compileCall(compilation: Compilation, call: Call, of: readonly Leaf[]): Leaf[] {
  const compiled = FUNCTIONS[call.name];
  if (compiled === undefined) throw new Error(`The FHIRPath function ${call.name}() is not understood.`);
  return compiled(compilation, of, call.arguments[0]);
}

export type Compiler = (compilation: Compilation, of: readonly Leaf[], argument: Expression | undefined) => Leaf[];

const FUNCTIONS: Readonly<Record<string, Compiler>> = {
  where,
  as: ({ definitions }, of, type) => of.flatMap((leaf) => narrow(definitions, leaf, typeName(type))),
  ofType: ({ definitions }, of, type) => of.flatMap((leaf) => narrow(definitions, leaf, typeName(type))),
  is: ({ definitions }, of, type) => of.map((leaf) => isType(definitions, leaf, typeName(type))),
  repeat,
  resolve: (_, of) => of.map(({ steps }) => ({ type: RESOLVED, steps })),
  exists: (compilation, of, criteria) =>
    ask(criteria === undefined ? of : where(compilation, of, criteria), (found) => found.length > 0),
  empty: (_, of) => ask(of, (found) => found.length === 0),
  not: (_, of) => ask(of, (found) => (found.length === 0 ? undefined : truth(found) === false)),
  extension,
  hasExtension: (compilation, of, url) => ask(extension(compilation, of, url), (found) => found.length > 0),
};

/** Keeps what meets the criteria; a choice keeps those of its types that the criteria can be asked of. */
function where(compilation: Compilation, of: readonly Leaf[], criteria: Expression | undefined): Leaf[] {
  if (criteria === undefined) throw new Error('where() needs criteria.');
  let failed: Error | undefined;
  const kept = of.flatMap((leaf) => {
    try {
      const asked = compilation.compile(compilation.definitions, criteria, [{ ...leaf, steps: [] }]);
      const filter: Step = (value, emit) => {
        if (truth(collect(asked, value)) === true) emit(value);
      };
      return [{ ...leaf, steps: [...leaf.steps, filter] }];
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      failed = error;
      return [];
    }
  });
  if (kept.length === 0 && failed !== undefined) throw failed;
  return kept;
}

/** `extension('url')` is short for `extension.where(url = 'url')`. (R4 fhirpath.html#functions) */
function extension(compilation: Compilation, of: readonly Leaf[], url: Expression | undefined): Leaf[] {
  if (url?.kind !== 'literal') throw new Error('extension() needs the URL of one.');
  const criteria: Expression = { kind: 'binary', operator: '=', left: { kind: 'member', name: 'url' }, right: url };
  return where(compilation, children(compilation.definitions, of, 'extension'), criteria);
}

/** One answer about everything found, even about nothing. */
function ask(of: readonly Leaf[], answer: (found: unknown[]) => boolean | undefined): Leaf[] {
  const step: Step = (value, emit) => {
    const said = answer(collect(of, value));
    if (said !== undefined) emit(said);
  };
  return [{ type: 'boolean', steps: [step] }];
}
