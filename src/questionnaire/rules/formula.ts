/** V25, V27: what the form says by expressions. */
import { order, same } from '../compare.js';
import type { Demand } from '../form.js';
import { say } from '../issue.js';
import type { Node } from '../node.js';
import { shown } from '../show.js';
import { valueOf, type Value } from '../types.js';
import type { Checking, ItemRule, Say, WholeRule } from './rule.js';

/** V25, on the questions that are enabled and answered, or grouped. */
export const constraints: ItemRule = (checking, node, question, tell) => {
  if (!node.enabled) return;
  for (const demand of question.constraints) hold(checking, demand, node, tell);
};

export const wholeConstraints: WholeRule = (checking, tell) => {
  for (const demand of checking.form.constraints) hold(checking, demand, undefined, tell);
};

function hold({ formulas }: Checking, demand: Demand, node: Node | undefined, tell: Say): void {
  const { values, why, rule } = formulas.evaluate(demand.formula, node);
  const name = demand.key === '' ? '' : ` (${demand.key})`;
  if (why !== undefined) {
    const text = `has a constraint${name} that was not checked: ${why}`;
    tell(
      say(
        node,
        rule === 'tooCostly' ? rule : 'invariantExecution',
        node === undefined ? `The questionnaire ${text}` : text,
      ),
    );
  } else if (values[0] === false) {
    const text = node === undefined ? demand.human : `must meet: ${demand.human}`;
    tell({ ...say(node, 'invariant', `${text}${name}`), severity: demand.severity });
  }
}

/** V27: a user may have overridden what is calculated, so this is told and refuses nothing. */
export const calculated: ItemRule = ({ formulas, unitOf }, node, question, tell) => {
  if (!node.enabled || question.calculatedExpression === undefined || node.answers.length === 0) return;
  const { values, why, rule } = formulas.evaluate(question.calculatedExpression, node);
  if (why !== undefined) {
    tell(say(node, rule, `is calculated, which was not checked: ${why}`));
    return;
  }
  const answers = node.answers.flatMap((answer) => valueOf(answer) ?? []);
  const agree = answers.length === values.length && answers.every((answer, at) => equal(answer, values[at], unitOf));
  if (agree) return;
  const found = answers.map(({ value }) => shown(value)).join(', ');
  const expected = values.length === 0 ? 'nothing' : values.map(shown).join(', ');
  tell(say(node, 'calculatedValue', `is calculated as ${expected}; found ${found}`, 'answer[0].value'));
};

function equal(answer: Value, calculated: unknown, unitOf: Checking['unitOf']): boolean {
  if (typeof calculated === 'number') {
    return order(answer, { type: 'decimal', value: calculated }, unitOf) === 0 || isSame(answer, calculated);
  }
  if (typeof calculated === 'object') return same(answer, { type: answer.type, value: calculated }, unitOf);
  return isSame(answer, calculated);
}

/** A quantity whose unit the form says elsewhere is calculated as a number. */
const isSame = ({ type, value }: Value, calculated: unknown): boolean =>
  type === 'Quantity' ? (value as { value?: number }).value === calculated : value === calculated;

/** V27: what may only be read was filled in by the form. */
export const readOnly: ItemRule = ({ unitOf }, node, question, tell) => {
  if (question.item.readOnly !== true || question.calculatedExpression !== undefined) return;
  const { initial } = question.item;
  if (initial === undefined || node.answers.length === 0) return;
  const offered = initial.flatMap((one) => valueOf(one) ?? []);
  const answers = node.answers.flatMap((answer) => valueOf(answer) ?? []);
  if (answers.every((answer) => offered.some((one) => same(answer, one, unitOf)))) return;
  tell(say(node, 'readOnlyValue', 'is read-only, and its answer is not what the form filled in', 'answer[0].value'));
};

/** An expression that decides whether a question is asked, and cannot: the answers stay, and it is told. */
export const notDecided: ItemRule = ({ formulas }, node, question, tell) => {
  const { enableWhenExpression } = question;
  if (enableWhenExpression === undefined) return;
  const { why, rule } = formulas.evaluate(enableWhenExpression, node);
  if (why === undefined) return;
  tell(say(node, rule, `is asked on a condition that was not checked: ${why}`));
};
