/** Questions that nobody can answer, and bounds that contradict each other. */
import { order } from '../compare.js';
import { firstOf } from '../extensions.js';
import type { Question } from '../form.js';
import { plain, shown } from '../show.js';
import { valueOf } from '../types.js';
import type { Linting } from './lint.js';

export function questions({ form, tell }: Linting): void {
  const contained = new Set((form.questionnaire.contained ?? []).map(({ id }) => `#${String(id)}`));
  for (const question of form.questions.values()) {
    const { item, type } = question;
    if (type === 'question')
      tell('error', 'itemType', question, 'has the abstract type "question"; name a type', 'type');
    if (item.required === true) unanswerable(question, tell);
    if (item.answerValueSet?.startsWith('#') === true && !contained.has(item.answerValueSet)) {
      const fix = `names the value set ${item.answerValueSet.slice(0, 80)}, which is not contained`;
      tell('error', 'valueSet', question, fix, 'answerValueSet');
    }
    bounds(question, tell);
    twice(question, tell);
    if (typeof question.regex === 'string') {
      tell(
        'warning',
        'notChecked',
        question,
        `has a regular expression that will not be checked: it ${question.regex}`,
      );
    }
  }
}

function unanswerable(question: Question, tell: Linting['tell']): void {
  const { item, type } = question;
  const isChoice = type === 'choice';
  if (isChoice && question.options.length === 0 && item.answerValueSet === undefined && !question.answerExpression) {
    tell(
      'error',
      'unanswerable',
      question,
      'is required and offers no answers: give it answerOption or answerValueSet',
    );
  }
  if (type === 'group' && question.children.size > 0 && !hasQuestion(question)) {
    tell('error', 'unanswerable', question, 'is required, and there is nothing to answer in it', 'required');
  }
  const filled = item.initial !== undefined || question.calculatedExpression !== undefined || isPopulated(question);
  if (item.readOnly === true && type !== 'group' && !filled) {
    const fix = 'is required and read-only, and nothing fills it in: give it initial or an expression';
    tell('warning', 'unanswerable', question, fix, 'required');
  }
}

/** Options may be selected to begin with, and some extensions fill in what is not ours to evaluate. */
const isPopulated = ({ item }: Question): boolean =>
  item.answerOption?.some(({ initialSelected }) => initialSelected === true) === true ||
  item.extension?.some(({ url }) => /initialExpression|observationLinkPeriod/.test(url ?? '')) === true;

const hasQuestion = ({ children }: Question): boolean =>
  [...children.values()].some((child) => (child.type === 'group' ? hasQuestion(child) : child.type !== 'display'));

function bounds(question: Question, tell: Linting['tell']): void {
  const { item, minOccurs, maxOccurs } = question;
  if (minOccurs !== undefined && maxOccurs !== undefined && minOccurs > maxOccurs) {
    tell('error', 'bounds', question, `takes at least ${minOccurs} and at most ${maxOccurs} answers`);
  }
  const [least, most] = [firstOf(item.extension, 'minValue'), firstOf(item.extension, 'maxValue')];
  if (least === undefined || most === undefined) return;
  const type = typeof least === 'number' ? 'decimal' : 'date';
  if (order({ type, value: least }, { type, value: most }, () => undefined) === 1) {
    tell('error', 'bounds', question, `takes at least ${shown(least)} and at most ${shown(most)}`);
  }
}

function twice({ item, ...question }: Question, tell: Linting['tell']): void {
  const seen = new Set<string>();
  for (const [at, option] of (item.answerOption ?? []).entries()) {
    const value = valueOf(option)?.value;
    const { system, code } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    const key = code === undefined ? JSON.stringify(value) : `${plain(system)}|${plain(code)}`;
    if (seen.has(key))
      tell('warning', 'optionTwice', { ...question, item }, `offers ${key.slice(0, 80)} twice`, `answerOption[${at}]`);
    seen.add(key);
  }
}
