/**
 * A Questionnaire by itself: errors make answers impossible or ambiguous, warnings are doubts, information says what will
 * not be checked. Found when the form is written, not by the patient who fills it in.
 */
import type { Issue } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';
import { formOf } from './form.js';
import { conditions } from './lint/conditions.js';
import { expressions } from './lint/expressions.js';
import { invariants } from './lint/invariants.js';
import { issueOf, type Linting, type Place } from './lint/lint.js';
import { questions } from './lint/questions.js';
import type { Questionnaire, QuestionnaireItem } from './types.js';

/** TABLE, in the order in which they report. */
const lints: readonly ((linting: Linting) => void)[] = [invariants, conditions, questions, expressions];

export function lint(questionnaire: Questionnaire, checkExpression: Linting['checkExpression']): Issue[] {
  const places: Place[] = [];
  gather(questionnaire.item ?? [], undefined, 'Questionnaire', places);
  const issues: Issue[] = [];
  const doubts: Issue[] = [];
  // However many doubts there are, an error is among what is told.
  const tell: Linting['tell'] = (...found) => {
    const list = found[0] === 'error' ? issues : doubts;
    if (list.length < limits.issues) list.push(issueOf(...found));
  };
  if (places.length > limits.questions) {
    tell(
      'error',
      'tooCostly',
      undefined,
      `has ${places.length} items; at most ${limits.questions} are checked`,
      'item',
    );
    return issues;
  }
  const form = formOf(questionnaire, 'The questionnaire');
  for (const one of lints) one({ form, places, checkExpression, tell });
  return [...issues, ...doubts].slice(0, limits.issues);
}

/** As deep as a body may be (limit depth), so recursion is safe. */
function gather(items: readonly QuestionnaireItem[], parent: Place | undefined, above: string, places: Place[]): void {
  for (const [at, item] of items.entries()) {
    const place = { item, parent, path: `${above}.item[${at}]` };
    places.push(place);
    gather(item.item ?? [], place, place.path, places);
  }
}
