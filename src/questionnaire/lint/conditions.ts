/** `enableWhen`: what it names is there, can be answered, in such a way, and does not wait for itself. */
import type { Coding } from '../../fhir/types.js';
import { sameCoding } from '../compare.js';
import type { Question, When } from '../form.js';
import { ANSWERS } from '../rules/answer-type.js';
import type { Linting, Tell } from './lint.js';

const ORDERED = new Set(['decimal', 'integer', 'date', 'dateTime', 'time', 'quantity']);

export function conditions({ form, tell }: Linting): void {
  for (const question of form.questions.values()) {
    for (const [at, when] of question.whens.entries()) {
      condition(form.questions, question, when, (severity, rule, place, says) => {
        tell(severity, rule, place, says, `enableWhen[${at}]`);
      });
    }
  }
  cycles(form.questions, tell);
}

function condition(questions: ReadonlyMap<string, Question>, question: Question, when: When, tell: Tell): void {
  const { question: linkId, operator, answer } = when;
  const target = questions.get(linkId);
  const name = JSON.stringify(linkId.slice(0, 60));
  if (target === undefined) {
    tell('error', 'enableWhenTarget', question, `waits for ${name}, which the questionnaire does not have`);
    return;
  }
  if (target === question) {
    tell('error', 'enableWhenSelf', question, 'waits for its own answer, so it is never asked');
    return;
  }
  if (isBelow(target, question)) {
    tell('error', 'enableWhenDescendant', question, `waits for ${name}, which is asked inside of it`);
    return;
  }
  const types = ANSWERS[target.type];
  if (types === undefined) {
    tell(
      'error',
      'enableWhenUnanswerable',
      question,
      `waits for ${name}, which is of type ${target.type} and has no answer`,
    );
    return;
  }
  if (target.place > question.place) {
    tell('warning', 'enableWhenLater', question, `waits for ${name}, which is asked after it`);
  }
  if (operator === 'exists') return;
  if (answer === undefined) {
    tell('error', 'enableWhenAnswer', question, `compares ${name} with nothing: answer[x] is missing`);
    return;
  }
  const others = target.options.map(({ type }) => type);
  if (!types.includes(answer.type) && !others.includes(answer.type)) {
    const fix = `compares ${name}, which is answered by ${types.join(' or ')}, with ${answer.type}`;
    tell('error', 'enableWhenAnswer', question, fix);
    return;
  }
  if (operator !== '=' && operator !== '!=' && !ORDERED.has(target.type) && !ORDERED.has(answer.type)) {
    tell(
      'error',
      'enableWhenOperator',
      question,
      `asks for ${operator} of ${name}, but answers of type ${target.type} have no order`,
    );
    return;
  }
  if (target.type === 'attachment') {
    tell('error', 'enableWhenOperator', question, `compares ${name}, an attachment; only exists can be asked of one`);
  }
  unofferedCode(question, target, when, tell);
}

/** A condition on a code that the question does not offer is never met, or always. */
function unofferedCode(question: Question, target: Question, { answer, operator }: When, tell: Tell): void {
  if (answer?.type !== 'Coding' || target.options.length === 0 || target.answerConstraint === 'optionsOrType') return;
  const code = answer.value as Coding;
  if (target.options.some(({ type, value }) => type === 'Coding' && sameCoding(value as Coding, code))) return;
  const outcome = operator === '=' ? 'never' : 'always';
  const name = `${code.system ?? ''}|${code.code ?? ''}`.slice(0, 120);
  tell(
    'warning',
    'enableWhenOption',
    question,
    `waits for the code ${name}, which "${target.linkId}" does not offer: ${outcome} met`,
  );
}

function isBelow(question: Question, above: Question): boolean {
  for (let around = question.parent; around !== undefined; around = around.parent) if (around === above) return true;
  return false;
}

/**
 * Questions that wait for each other are never asked. What stands in a group waits for what the group waits for. Those
 * that wait for nothing are taken away until nothing goes; what is left waits in a circle, or for one.
 */
function cycles(questions: ReadonlyMap<string, Question>, tell: Tell): void {
  const waits = new Map<Question, Set<Question>>();
  const waiters = new Map<Question, Question[]>();
  for (const question of questions.values()) {
    const own = new Set(question.whens.flatMap(({ question: linkId }) => questions.get(linkId) ?? []));
    own.delete(question);
    if (question.parent !== undefined) own.add(question.parent);
    waits.set(question, own);
    for (const other of own) waiters.set(other, [...(waiters.get(other) ?? []), question]);
  }
  const free = [...questions.values()].filter((question) => waits.get(question)?.size === 0);
  for (let question = free.pop(); question !== undefined; question = free.pop()) {
    waits.set(question, new Set());
    for (const other of waiters.get(question) ?? []) {
      const left = waits.get(other);
      if (left?.delete(question) === true && left.size === 0) free.push(other);
    }
    waits.delete(question);
  }
  const stuck = waits.keys().next().value;
  if (stuck === undefined) return;
  const path: Question[] = [];
  for (let at: Question | undefined = stuck; at !== undefined && !path.includes(at);) {
    path.push(at);
    at = [...(waits.get(at) ?? [])].find((one) => waits.has(one));
  }
  const circle = path.slice(0, 10).map(({ linkId }) => linkId.slice(0, 40));
  const own = path.find(({ whens }) => whens.length > 0) ?? stuck;
  tell('error', 'enableWhenCycle', own, `waits for itself: ${circle.join(' → ')} → …`, 'enableWhen');
}
