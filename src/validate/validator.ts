/** What a resource must be by itself, whatever else is stored: the checks of every write, and of `$validate`. */
import type { Definitions } from '../fhir/definitions.js';
import { isRefusal, type Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { createInvariants } from './invariants/walk.js';
import { checkQuestionnaire } from './questionnaire.js';
import { createStructure } from './structure.js';

export interface Validator {
  /** Errors refuse the resource; warnings are told; `information` says what could not be checked. */
  validate: (resource: Resource) => Issue[];
}

/** One check; those after it are not asked when it refuses, because they trust what it has found in order. */
type Check = (resource: Resource) => Issue[];

export function createValidator(definitions: Definitions): Validator {
  const checks: readonly Check[] = [createStructure(definitions), checkQuestionnaire, createInvariants(definitions)];
  return {
    validate(resource) {
      const issues: Issue[] = [];
      for (const check of checks) {
        issues.push(...check(resource));
        if (issues.some(isRefusal)) break;
      }
      return issues;
    },
  };
}
