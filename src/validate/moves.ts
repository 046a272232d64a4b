/**
 * How the status of a QuestionnaireResponse may change. What was completed was answered by a patient: who changes it
 * says so (`amended`), and nobody makes a draft of it again. (R4 questionnaireresponse.html#status)
 */
import type { Issue } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { issueOf, say } from '../questionnaire/issue.js';

/** TABLE: status -> what may follow, beside itself. `entered-in-error` may follow everything. */
const NEXT: Readonly<Record<string, readonly string[]>> = {
  'in-progress': ['completed', 'amended', 'stopped'],
  stopped: ['in-progress', 'completed', 'amended'],
  completed: ['amended'],
  amended: [],
  'entered-in-error': [],
};

/** @param was what is current; undefined where there is none */
export function refusedMove(was: Resource | undefined, next: Resource): Issue[] {
  if (was === undefined) return [];
  const [from, to] = [String(was.status), String(next.status)];
  const allowed = NEXT[from];
  if (allowed === undefined || to === 'entered-in-error') return [];
  if (from !== to && !allowed.includes(to)) {
    const list = [...allowed, 'entered-in-error'].join(' or ');
    return [refusal(`This response is ${from}; it may become ${list}, not ${to}.`)];
  }
  if (from === 'completed' && to === from && !sameContent(was, next)) {
    return [refusal('This response is completed; who changes its content sets the status amended.')];
  }
  return [];
}

const refusal = (text: string): Issue => issueOf({ ...say(undefined, 'status', text), inside: 'status' }, false);

/** All but what the server keeps about it, and the narrative that is made of it. */
function sameContent(was: Resource, next: Resource): boolean {
  const { id: _id, meta: _meta, text: _text, ...before } = was;
  const { id: _own, meta: _other, text: _narrative, ...after } = next;
  return isEqual(before, after);
}

function isEqual(left: unknown, right: unknown): boolean {
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return left === right;
  if (Array.isArray(left) !== Array.isArray(right)) return false;
  const [names, others] = [Object.keys(left), Object.keys(right)];
  return (
    names.length === others.length &&
    names.every((name) => isEqual((left as Record<string, unknown>)[name], (right as Record<string, unknown>)[name]))
  );
}
