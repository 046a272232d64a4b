/** What a form may demand of answers that no rule here looks at: told once for each kind, never passed over. */
import type { Element } from '../fhir/types.js';
import type { Extension, Questionnaire, QuestionnaireItem } from './types.js';

const CORE = 'http://hl7.org/fhir/StructureDefinition/';
const SDC = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';

/** TABLE: extension -> what was not checked. (SDC 4.0, and R4's own extensions of Questionnaire) */
const DEMANDS: Readonly<Record<string, string>> = {
  [`${SDC}answerOptionsToggleExpression`]: 'which options an expression lets be chosen (answerOptionsToggleExpression)',
  [`${CORE}questionnaire-referenceProfile`]: 'the profiles of what is referred to (referenceProfile)',
  [`${CORE}questionnaire-referenceFilter`]: 'which resources a filter lets be referred to (referenceFilter)',
  [`${SDC}subQuestionnaire`]: 'the questions of a form that is to stand in this one (subQuestionnaire)',
  [`${SDC}performerType`]: 'who may answer (performerType)',
};

const EXPRESSIONS = [`${CORE}cqf-expression`, `${CORE}cqf-calculatedValue`];

/** Elements whose value may be made by an expression, and that demand something of answers. */
const COMPUTED = ['_required', '_repeats', '_maxLength', '_readOnly', '_answerValueSet'] as const;

/** @param items all of the form */
export function unjudgedIn(questionnaire: Questionnaire, items: readonly QuestionnaireItem[]): string[] {
  const found = new Set<string>();
  for (const holder of [questionnaire, ...items]) {
    for (const extension of holder.extension ?? []) {
      const demand = Object.hasOwn(DEMANDS, extension.url ?? '') ? DEMANDS[extension.url ?? ''] : undefined;
      if (demand !== undefined) found.add(demand);
      if (isComputed(extension)) found.add(`what an expression makes of ${nameOf(extension)}`);
    }
    for (const name of COMPUTED) {
      if (isExpression(holder[name])) found.add(`what an expression makes of ${name.slice(1)}`);
    }
  }
  return [...found];
}

/** A bound without a value of its own: `_valueInteger` has the expression. */
const isComputed = (extension: Extension): boolean =>
  Object.keys(extension).some((name) => name.startsWith('_value') && isExpression(extension[name]));

const isExpression = (beside: unknown): boolean =>
  ((beside as (Element & { extension?: Extension[] }) | undefined)?.extension ?? []).some(({ url }) =>
    EXPRESSIONS.includes(url ?? ''),
  );

const nameOf = ({ url = '' }: Extension): string => url.slice(url.lastIndexOf('/') + 1).slice(0, 80);
