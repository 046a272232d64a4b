/**
 * Structural validation (R4 validation.html: structure, cardinality, value domains, required bindings): what every
 * resource must pass before it is stored. First a walk that only says whether all is surely in order; where it is not sure,
 * a pass that stops at the first problem; only when there is one, another collects them up to a bound.
 */
import { Ajv } from 'ajv';
import type { DataValidateFunction } from 'ajv/dist/types/index.js';
import type { Definitions } from '../fhir/definitions.js';
import type { Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { limits } from '../kit/limits.js';
import { codeSetOf } from './bindings.js';
import { issueFor, uncheckedIssue } from './issues.js';
import { addKeywords, type Run } from './keywords.js';
import type { Problem } from './problems.js';
import { createSchemas, type Schemas } from './schema.js';
import { createSure } from './sure.js';

/** Errors refuse the resource; `information` says what could not be checked. */
export type CheckStructure = (resource: Resource) => Issue[];

export function createStructure(definitions: Definitions): CheckStructure {
  const schemas = createSchemas(definitions);
  const sure = createSure(definitions, schemas);
  const passes = createPasses(definitions, schemas);
  return (resource) => (sure(resource) ? [] : passes(resource));
}

/** The two passes, for what the walk is not sure of. */
export function createPasses(definitions: Definitions, schemas: Schemas): CheckStructure {
  let quick: Pass | undefined;
  let thorough: Pass | undefined;
  return (resource) => {
    quick ??= createPass(definitions, schemas, false);
    const first = quick(resource);
    if (first.valid) return [...first.unchecked].map((one) => uncheckedIssue(schemas.members, resource, one));
    thorough ??= createPass(definitions, schemas, true);
    const { problems } = thorough(resource);
    assert(problems.length > 0, 'A refusal says why.');
    return problems.slice(0, limits.issues).map((found) => issueFor(schemas.members, resource, found));
  };
}

interface Outcome {
  valid: boolean;
  problems: { at: string; problem: Problem }[];
  unchecked: Iterable<{ at: string; valueSet: string }>;
}

type Pass = (resource: Resource) => Outcome;

function createPass(definitions: Definitions, schemas: Schemas, all: boolean): Pass {
  // Our keywords are the whole language, so ajv's meta-schema and its strictness about keywords have nothing to add.
  // What its optimizer saves a check was not to be measured, and it takes as long as all the rest of compiling.
  const code = { optimize: false };
  const ajv = new Ajv({ allErrors: all, strict: false, validateSchema: false, meta: false, logger: false, code });
  const run: Run = { all, found: 0, unchecked: new Map() };
  const compiled = new Map<string, DataValidateFunction>();
  addKeywords(ajv, {
    run,
    members: (type) => schemas.members(type),
    choice: (type, name) => schemas.choice(type, name),
    check(type) {
      const known = compiled.get(type) ?? (ajv.compile(schemas.type(type)) as DataValidateFunction);
      compiled.set(type, known);
      return known;
    },
    codeSet: ({ valueSet, path }) => codeSetOf(definitions, valueSet, path),
    isConcrete: (type): type is string => {
      const definition = typeof type === 'string' ? definitions.types.get(type) : undefined;
      return definition?.kind === 'resource' && !definition.abstract;
    },
  });
  const check = ajv.compile({ resource: true });
  return (resource) => {
    run.found = 0;
    run.unchecked = new Map();
    const valid = check(resource);
    const problems = (check.errors ?? []).map(({ instancePath, params }) => ({
      at: instancePath,
      problem: params as Problem,
    }));
    return { valid, problems, unchecked: run.unchecked.values() };
  };
}
