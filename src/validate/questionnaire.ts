/** A Questionnaire by itself, by the engine's lint. */
import type { Issue } from '../fhir/outcome.js';
import { checkPath } from '../fhir/path.js';
import type { Resource } from '../fhir/types.js';
import { FUNCTIONS } from '../questionnaire/formulas.js';
import { lint } from '../questionnaire/lint.js';

/** Nothing of any other type. Its structure must have been found in order. */
export const checkQuestionnaire = (resource: Resource): Issue[] =>
  resource.resourceType === 'Questionnaire'
    ? lint(resource, (text, reading) => {
        checkPath(text, FUNCTIONS, reading);
      })
    : [];
