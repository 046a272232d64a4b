/** What a lint rule has, and how it tells what it found about a form. */
import type { Issue, Severity } from '../../fhir/outcome.js';
import type { Form, Question } from '../form.js';
import type { QuestionnaireItem } from '../types.js';

/** The system of `issue.details.coding` of what is wrong with a form. */
export const FORM_RULES = 'http://afferent.health/fhir/CodeSystem/questionnaire-rules';

/** An item as it stands, of a linkId that may occur twice. */
export interface Place {
  item: QuestionnaireItem;
  parent: Place | undefined;
  path: string;
}

export interface Linting {
  form: Form;
  places: readonly Place[];
  /** Throws what is wrong with an expression, with `kind` as `fhir/path.ts` has it; each text may be asked several times. */
  checkExpression: (text: string) => void;
  tell: Tell;
}

/** @param at the item, or undefined for the form; `inside` is below it */
export type Tell = (
  severity: Severity,
  rule: string,
  at: Place | Question | undefined,
  says: string,
  inside?: string,
) => void;

export function issueOf(
  severity: Severity,
  rule: string,
  at: Place | Question | undefined,
  says: string,
  inside = '',
): Issue {
  const path = at?.path ?? 'Questionnaire';
  return {
    severity,
    code: rule.startsWith('que-') ? 'invariant' : (CODES[rule] ?? 'business-rule'),
    details: { coding: [{ system: FORM_RULES, code: rule }] },
    diagnostics: `${at === undefined ? 'The questionnaire' : calledOf(at)} ${says}.`,
    expression: [inside === '' ? path : `${path}.${inside}`],
  };
}

/** TABLE: rules whose issues are of another type than `business-rule`. */
const CODES: Readonly<Record<string, string>> = {
  expression: 'invalid',
  notChecked: 'incomplete',
  tooCostly: 'too-costly',
  enableWhenTarget: 'not-found',
  valueSet: 'not-found',
};

function calledOf({ item }: Place | Question): string {
  const { linkId, text } = item;
  const id = linkId.slice(0, 60);
  if (text === undefined) return `The item ${id}`;
  return `"${text.length > 160 ? `${text.slice(0, 160)}…` : text}" (${id})`;
}
