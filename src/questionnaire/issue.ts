/** What the rules find, and the table of all that they may say: code of the rule, type of the issue, how it weighs. */
import type { Issue, Severity } from '../fhir/outcome.js';
import { pathOf, type Node } from './node.js';

/** The system of `issue.details.coding`. */
export const RULES = 'http://afferent.health/fhir/CodeSystem/response-rules';

export interface Found {
  rule: RuleCode;
  /** Overrides the severity of the table. */
  severity?: Severity;
  node: Node | undefined;
  /** Below the item: `answer[0].value`. */
  inside: string;
  /** The end of a sentence that begins with the question. */
  says: string;
}

interface Row {
  type: string;
  severity: Severity;
}

const row = (type: string, severity: Severity): Row => ({ type, severity });

/**
 * TABLE: rule -> type of the issue, severity in a response that is complete. `fatal` is what no question can be found
 * for, or what has another type than asked: it is refused in a draft too. An `error` is a warning there, because a draft
 * "may temporarily violate constraints" (SDC 4.0).
 */
export const rules = {
  questionnaireNotFound: row('not-found', 'warning'),
  questionnaireDraft: row('business-rule', 'warning'),
  questionnaireRetired: row('business-rule', 'warning'),
  questionnaireInactive: row('business-rule', 'warning'),
  invalidLinkId: row('structure', 'fatal'),
  groupShouldNotHaveAnswers: row('structure', 'fatal'),
  displayAnswer: row('structure', 'fatal'),
  invalidType: row('structure', 'fatal'),
  invalidAnswerType: row('structure', 'fatal'),
  repeats: row('business-rule', 'error'),
  required: row('required', 'error'),
  minCount: row('business-rule', 'error'),
  maxCount: row('business-rule', 'error'),
  notEnabled: row('invalid', 'error'),
  maxLength: row('business-rule', 'error'),
  minLength: row('business-rule', 'error'),
  minValue: row('business-rule', 'error'),
  maxValue: row('business-rule', 'error'),
  minValueIncompatUnits: row('value', 'error'),
  maxValueIncompatUnits: row('value', 'error'),
  maxDecimalPlaces: row('business-rule', 'error'),
  regex: row('invalid', 'error'),
  invalidNewLine: row('business-rule', 'fatal'),
  invalidAnswerOption: row('business-rule', 'error'),
  invalidCoding: row('code-invalid', 'error'),
  exclusiveAnswerOption: row('business-rule', 'error'),
  invalidUnit: row('value', 'error'),
  invalidUnitValueSet: row('code-invalid', 'error'),
  invalidAttachmentType: row('business-rule', 'error'),
  maxAttachmentSize: row('business-rule', 'error'),
  attachmentSizeInconsistent: row('invalid', 'fatal'),
  invalidRefValue: row('invalid', 'error'),
  invalidRefResourceType: row('invalid', 'error'),
  invalidRefResourceTypeRestriction: row('value', 'error'),
  invalidUrlValue: row('value', 'error'),
  invariant: row('invariant', 'error'),
  invariantExecution: row('exception', 'warning'),
  itemText: row('invalid', 'error'),
  calculatedValue: row('informational', 'information'),
  readOnlyValue: row('informational', 'information'),
  signatureRequired: row('business-rule', 'warning'),
  modifierExtension: row('not-supported', 'error'),
  invalidSubjectType: row('value', 'error'),
  status: row('business-rule', 'error'),
  /** Not a fault: what the engine could not look at. */
  notChecked: row('incomplete', 'information'),
  tooCostly: row('too-costly', 'warning'),
} as const satisfies Record<string, Row>;

export type RuleCode = keyof typeof rules;

/** About an item, or with a node that is undefined about the response. */
export const say = (node: Node | undefined, rule: RuleCode, says: string, inside = ''): Found => ({
  rule,
  node,
  says,
  inside,
});

const severityOf = ({ rule, severity = rules[rule].severity }: Found, draft: boolean): Severity =>
  draft && severity === 'error' ? 'warning' : severity;

export const isRefusal = (found: Found, draft: boolean): boolean =>
  ['error', 'fatal'].includes(severityOf(found, draft));

/** @param draft errors are warnings in one */
export function issueOf(found: Found, draft: boolean): Issue {
  const { rule, node, inside, says } = found;
  const at = node === undefined ? 'QuestionnaireResponse' : pathOf(node);
  return {
    severity: severityOf(found, draft),
    code: rules[rule].type,
    details: { coding: [{ system: RULES, code: rule }] },
    diagnostics: node === undefined ? says : `${calledOf(node)} ${says}.`,
    expression: [inside === '' ? at : `${at}.${inside}`],
  };
}

/** The question as the patient read it, and its linkId. */
function calledOf({ question, item }: Node): string {
  const text = question?.text ?? item.text;
  const linkId = item.linkId.slice(0, 60);
  if (question === undefined && text === undefined) return 'This item';
  return text === undefined ? `The question ${linkId}` : `"${brief(text)}" (${linkId})`;
}

const brief = (text: string): string => (text.length > 160 ? `${text.slice(0, 160)}…` : text);
