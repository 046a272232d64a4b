/** Expressions: they can be read, they are not endless, and no variable hides its twin. */
import { FHIRPATH, formulasIn, type Formula, type Question } from '../form.js';
import type { Linting } from './lint.js';

export function expressions({ form, checkExpression, tell }: Linting): void {
  const look = (name: string, { language, expression }: Formula, at: Question | undefined): void => {
    const what = `${name} ${JSON.stringify(expression.slice(0, 60))}`;
    if (language !== FHIRPATH) {
      tell('information', 'notChecked', at, `has a ${name} in ${language.slice(0, 60)}, which is not evaluated here`);
      return;
    }
    try {
      checkExpression(expression);
    } catch (error) {
      const { kind, message } = error as { kind?: string; message: string };
      if (kind === 'later') throw error;
      if (kind === 'costly')
        tell('warning', 'tooCostly', at, `has the ${what}, which will not be evaluated: ${message}`);
      else if (kind === 'refused')
        tell('warning', 'notChecked', at, `has the ${what}, which will not be evaluated: ${message}`);
      else tell('error', 'expression', at, `has the ${what}, which is no FHIRPath: ${message}`);
    }
  };

  for (const formula of form.variables) look('variable', formula, undefined);
  for (const { formula } of form.constraints) look('constraint', formula, undefined);
  once(form.variables, undefined, tell);
  for (const question of form.questions.values()) {
    for (const [name, formula] of formulasIn(question)) look(name, formula, question);
    once(question.variables, question, tell);
  }
}

function once(variables: readonly Formula[], at: Question | undefined, tell: Linting['tell']): void {
  const seen = new Set<string>();
  for (const { name } of variables) {
    if (name !== undefined && seen.has(name)) tell('error', 'variableTwice', at, `defines the variable ${name} twice`);
    if (name !== undefined) seen.add(name);
  }
}
