/**
 * A response against its form: what is wrong, what is doubtful, and what could not be checked. Pure: whatever else it
 * needs is handed in, so that a browser can tell a patient the same as the server will.
 */
import type { Issue } from '../fhir/outcome.js';
import { limits } from '../kit/limits.js';
import type { UnitOf } from './compare.js';
import { enable } from './enable-when.js';
import type { Form } from './form.js';
import { formulasOn, type Compile, type Compiled, type Formulas } from './formulas.js';
import { isRefusal, issueOf, type Found } from './issue.js';
import { ANSWERS } from './rules/answer-type.js';
import { itemRules, typeRules, valueRules, wholeRules } from './rules/index.js';
import { occurrences } from './rules/occurs.js';
import type { Checking, Codes, Say } from './rules/rule.js';
import { valueOf, type QuestionnaireResponse } from './types.js';
import { missingNode } from './node.js';
import { walk } from './walk.js';

export interface Tools {
  compile: Compile;
  unitOf: UnitOf;
  codesOf: (valueSet: string) => Codes;
  /** Compiled expressions of this form, kept between responses. */
  compiled: Compiled;
}

/** TABLE: status -> what is asked of the response. (`response-rules`: drafts may violate for a while what is asked) */
const ASKED: Readonly<Record<string, 'all' | 'draft' | 'structure' | 'nothing'>> = {
  completed: 'all',
  amended: 'all',
  'in-progress': 'draft',
  stopped: 'structure',
  'entered-in-error': 'nothing',
};

/** What refuses the response comes first. */
export function check(form: Form, response: QuestionnaireResponse, tools: Tools): Issue[] {
  const asked = ASKED[response.status ?? ''] ?? 'all';
  if (asked === 'nothing') return [];
  const draft = asked !== 'all';
  const refusals: Issue[] = [];
  const others: Issue[] = [];
  // However many doubts there are, what refuses the response is among what is told.
  const say: Say = (one) => {
    const list = isRefusal(one, draft) ? refusals : others;
    if (list.length < limits.issues) list.push(issueOf(one, draft));
  };
  const walked = walk(form, response);
  for (const one of walked.found) say(one);
  const { root, nodes } = walked;
  const formulas = form.hasFormulas
    ? formulasOn(form, response, nodes, tools.compile, tools.compiled, { left: limits.pathWorkTogether })
    : NONE;
  const enabling = enable(root, nodes, tools.unitOf, (question, node, parent) => {
    const { enableWhenExpression } = question;
    if (enableWhenExpression === undefined) return true;
    const { values } = formulas.evaluate(enableWhenExpression, node ?? missingNode(question, parent, undefined));
    return values === undefined ? undefined : values[0] === true;
  });
  const patterns = { left: limits.patternStepsTogether };
  const checking: Checking = { form, response, root, nodes, enabling, formulas, patterns, ...tools };
  values(checking, asked === 'structure', say);
  if (asked !== 'structure') {
    occurrences(checking, root, form.top, say);
    for (const node of nodes) {
      const { question } = node;
      if (question !== undefined && question.children.size > 0) occurrences(checking, node, question.children, say);
    }
    for (const rule of wholeRules) rule(checking, say);
  }
  return [...refusals, ...others].slice(0, limits.issues);
}

function values(checking: Checking, onlyStructure: boolean, say: Say): void {
  for (const node of checking.nodes) {
    const { question } = node;
    if (question === undefined) continue;
    if (!onlyStructure) for (const rule of itemRules) rule(checking, node, question, say);
    // Answers of what has none were told of by the walk.
    if (ANSWERS[question.type] === undefined) continue;
    const rules = valueRules(question);
    for (let index = 0; index < node.answers.length; index += 1) {
      const answer = node.answers[index];
      const value = answer === undefined ? undefined : valueOf(answer);
      if (value === undefined) continue;
      const at = `answer[${index}].value`;
      const wrong: Found[] = [];
      for (const rule of typeRules) rule(checking, node, question, value, at, (one) => wrong.push(one), index);
      for (const one of wrong) say(one);
      if (wrong.length > 0 || onlyStructure) continue;
      for (const rule of rules) rule(checking, node, question, value, at, say, index);
    }
  }
}

const NONE: Formulas = { evaluate: () => ({ values: [] }) };
