/**
 * A response against a form that was found for it, as one job of plain data: so that a large response is read and checked
 * on the thread that has prepared it, while everybody else is served.
 */
import type { Definitions } from '../fhir/definitions.js';
import type { Issue } from '../fhir/outcome.js';
import { createCompilePath } from '../fhir/path.js';
import { canonicalUnit } from '../fhir/quantity.js';
import type { Resource } from '../fhir/types.js';
import { parseJson, stringify } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import { check } from '../questionnaire/check.js';
import { formOf, type Form } from '../questionnaire/form.js';
import { nothingCompiled, type Compiled } from '../questionnaire/formulas.js';
import type { Codes } from '../questionnaire/rules/rule.js';
import type { Questionnaire, QuestionnaireResponse } from '../questionnaire/types.js';
import { refusedMove } from './moves.js';
import { hasCode, type Enumerated } from './value-sets.js';

/** What a response is checked by. */
export interface Ready {
  form: Form;
  compiled: Compiled;
  codes: ReadonlyMap<string, Enumerated>;
}

export interface AnswersJob {
  /** As text: the response, and what it replaces. */
  response: string;
  was?: string;
  /** Absent where none was found. */
  form?: { questionnaire: string; name: string; codes: ReadonlyMap<string, Enumerated> };
}

export type CheckReady = (ready: Ready, response: QuestionnaireResponse) => Issue[];

export function createCheckReady(definitions: Definitions): CheckReady {
  const compile = createCompilePath(definitions);
  return ({ form, compiled, codes }, response) =>
    check(form, response, {
      compile,
      compiled,
      unitOf: canonicalUnit,
      codesOf: (valueSet): Codes => {
        const found = codes.get(valueSet) ?? { why: 'it is not stored here' };
        return 'why' in found ? found : { has: (system, code) => hasCode(found, system, code) };
      },
    });
}

export const jobOf = (response: string, was: string | undefined, ready: Ready | undefined): AnswersJob => ({
  response,
  ...(was === undefined ? {} : { was }),
  ...(ready === undefined
    ? {}
    : { form: { questionnaire: stringify(ready.form.questionnaire), name: ready.form.name, codes: ready.codes } }),
});

/** Does such jobs; the form of the last one stays ready. */
export function createAnswering(checkReady: CheckReady): (job: AnswersJob) => Issue[] {
  let last: { text: string; form: Form; compiled: Compiled } | undefined;
  return ({ response, was, form }) => {
    const next = parseJson(response, limits.depth) as Resource;
    const refused = was === undefined ? [] : refusedMove(parseJson(was, limits.depth) as Resource, next);
    if (refused.length > 0 || form === undefined) return refused;
    const { questionnaire: text, name, codes } = form;
    if (last?.text !== text || last.form.name !== name) {
      last = {
        text,
        form: formOf(parseJson(text, limits.depth) as Questionnaire, name),
        compiled: nothingCompiled(),
      };
    }
    return checkReady({ form: last.form, compiled: last.compiled, codes }, next);
  };
}
