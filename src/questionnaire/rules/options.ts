/** V17 to V20: an answer is one of those that the form offers. */
import type { Coding } from '../../fhir/types.js';
import { same, sameCoding } from '../compare.js';
import type { Question } from '../form.js';
import { say } from '../issue.js';
import { shown } from '../show.js';
import { valueOf as valueIn, type Value } from '../types.js';
import type { Checking, ItemRule, ValueRule } from './rule.js';

/** V17, V20: options of the form itself, or those that an expression of it finds. */
export const options: ValueRule = (checking, node, question, value, at, tell) => {
  if (isOpen(question, value)) {
    const option = question.options.find(
      ({ type, value: other }) => type === 'Coding' && (other as Coding).display === value.value,
    );
    if (option === undefined) return;
    const fix = `has this text as an option; send the option's code (${String((option.value as Coding).code)}) instead`;
    tell({ ...say(node, 'invalidAnswerOption', fix, at), severity: 'warning' });
    return;
  }
  const offered = offeredBy(checking, question, node, value.type);
  if (offered === undefined) return;
  if (typeof offered === 'string') {
    tell(say(node, 'notChecked', `has options by an expression, which could not be found: ${offered}`, at));
    return;
  }
  if (offered.some((option) => isThat(value, option, checking))) return;
  const fix = `does not have the option ${shown(value.value)}; it has ${list(offered)}`;
  tell(say(node, 'invalidAnswerOption', fix, at));
};

/** A form's option without `answerConstraint` binds; `optionsOrString` lets a text stand beside, `optionsOrType` anything. */
const isOpen = ({ answerConstraint }: Question, { type }: Value): boolean =>
  answerConstraint === 'optionsOrType' || (answerConstraint === 'optionsOrString' && type === 'string');

const isThat = (value: Value, option: Value, { unitOf }: Checking): boolean =>
  value.type === 'Coding' && option.type === 'Coding'
    ? sameCoding(value.value as Coding, option.value as Coding)
    : same(value, option, unitOf);

function offeredBy(checking: Checking, question: Question, node: Parameters<ValueRule>[1], type: string) {
  if (question.options.length > 0) return question.options;
  if (question.answerExpression === undefined) return undefined;
  const { values, why } = checking.formulas.evaluate(question.answerExpression, node);
  if (why !== undefined) return why;
  return values.map((one): Value => ({ type: typeFor(one, type), value: one }));
}

/** What an expression finds has no type with it: what has no parts is taken for what was answered. */
const typeFor = (value: unknown, answered: string): string =>
  typeof value !== 'object' || value === null ? answered : 'reference' in value ? 'Reference' : 'Coding';

const list = (offered: readonly Value[]): string => {
  const some = offered
    .slice(0, 12)
    .map(({ value }) => shown(value))
    .join(', ');
  return offered.length > 12 ? `${some}, …` : offered.length === 0 ? 'none' : some;
};

/** V18; a text beside the codes is judged by `answerConstraint` alone. */
export const valueSet: ValueRule = ({ codesOf }, node, question, value, at, tell) => {
  const { answerValueSet } = question.item;
  if (answerValueSet === undefined || value.type !== 'Coding' || question.answerConstraint === 'optionsOrType') return;
  const codes = codesOf(answerValueSet);
  const { system, code } = value.value as Coding;
  const name = answerValueSet.slice(0, 120);
  if ('why' in codes) {
    tell(say(node, 'notChecked', `has codes of the value set ${name}, which were not checked: ${codes.why}`, at));
  } else if (code === undefined || !codes.has(system, code)) {
    tell(say(node, 'invalidCoding', `takes a code of the value set ${name}; found ${shown(value.value)}`, at));
  }
};

/** V19 */
export const exclusive: ItemRule = (checking, node, question, tell) => {
  if (node.answers.length < 2) return;
  const alone = question.options.filter((option) => option.exclusive);
  if (alone.length === 0) return;
  for (const [at, answer] of node.answers.entries()) {
    for (const option of alone) {
      const value = valueIn(answer);
      if (value === undefined || !isThat(value, option, checking)) continue;
      tell(
        say(
          node,
          'exclusiveAnswerOption',
          `has ${shown(option.value)} only by itself, not beside others`,
          `answer[${at}]`,
        ),
      );
    }
  }
};
