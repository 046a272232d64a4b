/** Turns answers by linkId into a response that has the form's order, nesting, texts and codings. */
import type {
  Questionnaire,
  QuestionnaireItem,
  QuestionnaireItemEnableWhen,
  QuestionnaireResponse,
  QuestionnaireResponseItem,
  QuestionnaireResponseItemAnswer,
} from 'fhir/r4.js';

export type Value = boolean | number | string | QuestionnaireResponseItemAnswer;
export type Answers = Readonly<Record<string, Value | readonly Value[]>>;

/** Answers to questions that are not asked are left out, unless the example is about just that. */
export function respond(form: Questionnaire, answers: Answers, keepDisabled = false): QuestionnaireResponse {
  const items = (list: readonly QuestionnaireItem[], asked: boolean): QuestionnaireResponseItem[] =>
    list.flatMap((item): QuestionnaireResponseItem[] => {
      const enabled = asked && (keepDisabled || isEnabled(item, answers));
      const text = item.text === undefined ? {} : { text: item.text };
      if (item.type === 'group') {
        const inner = items(item.item ?? [], enabled);
        return inner.length === 0 ? [] : [{ linkId: item.linkId, ...text, item: inner }];
      }
      const answer = valuesOf(answers, item.linkId).map((value) => answerOf(item, value));
      return !enabled || answer.length === 0 ? [] : [{ linkId: item.linkId, ...text, answer }];
    });
  return {
    resourceType: 'QuestionnaireResponse',
    questionnaire: `${String(form.url)}|${String(form.version)}`,
    status: 'completed',
    authored: '2026-11-26T09:00:00Z',
    item: items(form.item ?? [], true),
  };
}

const valuesOf = (answers: Answers, linkId: string): readonly Value[] => {
  const given = answers[linkId];
  return given === undefined ? [] : Array.isArray(given) ? (given as readonly Value[]) : [given as Value];
};

function isEnabled({ enableWhen = [], enableBehavior }: QuestionnaireItem, answers: Answers): boolean {
  const holds = ({ question, operator, answerBoolean, answerCoding, answerInteger = 0 }: QuestionnaireItemEnableWhen) =>
    valuesOf(answers, question).some((value) => {
      if (operator === '>=') return Number(value) >= answerInteger;
      if (operator === '<') return Number(value) < answerInteger;
      return value === (answerCoding?.code ?? answerBoolean);
    });
  if (enableWhen.length === 0) return true;
  return enableBehavior === 'any' ? enableWhen.some(holds) : enableWhen.every(holds);
}

const KINDS: Readonly<Record<string, string>> = {
  boolean: 'valueBoolean',
  integer: 'valueInteger',
  decimal: 'valueDecimal',
  string: 'valueString',
  text: 'valueString',
};

function answerOf({ type, answerOption = [] }: QuestionnaireItem, value: Value): QuestionnaireResponseItemAnswer {
  if (typeof value === 'object') return value;
  const option = answerOption.find(({ valueCoding }) => valueCoding?.code === value);
  if (option?.valueCoding !== undefined) return { valueCoding: option.valueCoding };
  return { [KINDS[type] ?? 'valueString']: value };
}
