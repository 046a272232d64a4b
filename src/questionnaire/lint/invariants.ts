/** R4's own rules for a Questionnaire, que-0 to que-13, told with the item that breaks them (R4 questionnaire.html). */
import type { QuestionnaireItem } from '../types.js';
import type { Linting } from './lint.js';

const OPTIONS = new Set(['choice', 'open-choice', 'decimal', 'integer', 'date', 'dateTime', 'time', 'string']);
const SIMPLE = new Set(['boolean', 'decimal', 'integer', 'open-choice', 'string', 'text', 'url']);

interface Row {
  rule: string;
  breaks: (item: QuestionnaireItem) => boolean;
  says: string;
  inside: string;
}

const isDisplay = ({ type }: QuestionnaireItem): boolean => type === 'display';
const has = (list: unknown[] | undefined): boolean => list !== undefined && list.length > 0;

/** TABLE */
const rows: readonly Row[] = [
  {
    rule: 'que-1',
    breaks: (item) => item.type === 'group' && !has(item.item),
    says: 'is a group without items; a text alone has the type display',
    inside: 'item',
  },
  {
    rule: 'que-1',
    breaks: (item) => isDisplay(item) && has(item.item),
    says: 'is only shown (display) and cannot have items; make it a group',
    inside: 'item',
  },
  {
    rule: 'que-3',
    breaks: (item) => isDisplay(item) && item.code !== undefined,
    says: 'is only shown (display) and cannot have a code',
    inside: 'code',
  },
  {
    rule: 'que-4',
    breaks: (item) => has(item.answerOption) && item.answerValueSet !== undefined,
    says: 'has both answerOption and answerValueSet; keep one',
    inside: 'answerValueSet',
  },
  {
    rule: 'que-5',
    breaks: (item) => !OPTIONS.has(item.type) && (has(item.answerOption) || item.answerValueSet !== undefined),
    says: 'is of a type that has no options; make it choice or open-choice',
    inside: 'type',
  },
  {
    rule: 'que-6',
    breaks: (item) => isDisplay(item) && (item.required !== undefined || item.repeats !== undefined),
    says: 'is only shown (display): it can be neither required nor repeated',
    inside: 'type',
  },
  {
    rule: 'que-8',
    breaks: (item) => (item.type === 'group' || isDisplay(item)) && has(item.initial),
    says: 'has no answer, so it can have no initial one',
    inside: 'initial',
  },
  {
    rule: 'que-9',
    breaks: (item) => isDisplay(item) && item.readOnly !== undefined,
    says: 'is only shown (display): readOnly means nothing there',
    inside: 'readOnly',
  },
  {
    rule: 'que-10',
    breaks: (item) => item.maxLength !== undefined && !SIMPLE.has(item.type),
    says: 'is of a type whose answers have no length',
    inside: 'maxLength',
  },
  {
    rule: 'que-11',
    breaks: (item) => has(item.answerOption) && has(item.initial),
    says: 'has options: mark the one to begin with by initialSelected instead of initial',
    inside: 'initial',
  },
  {
    rule: 'que-12',
    breaks: (item) => (item.enableWhen?.length ?? 0) > 1 && item.enableBehavior === undefined,
    says: 'has several conditions: enableBehavior must say whether all or any must hold',
    inside: 'enableBehavior',
  },
  {
    rule: 'que-13',
    breaks: (item) => (item.initial?.length ?? 0) > 1 && item.repeats !== true,
    says: 'has several initial answers but takes one; set repeats',
    inside: 'initial',
  },
];

export function invariants({ form, places, tell }: Linting): void {
  const { name } = form.questionnaire;
  if (typeof name === 'string' && !/^[A-Z]([A-Za-z0-9_]){0,254}$/.test(name)) {
    tell('warning', 'que-0', undefined, 'should have a name that a program can use, such as SkinLesion', 'name');
  }
  const seen = new Map<string, string>();
  for (const place of places) {
    const { item, path } = place;
    const before = seen.get(item.linkId);
    if (before === undefined) seen.set(item.linkId, path);
    else tell('error', 'que-2', place, `has the linkId of ${before}; each has its own`, 'linkId');
    for (const { rule, breaks, says, inside } of rows) if (breaks(item)) tell('error', rule, place, says, inside);
    for (const [at, when] of (item.enableWhen ?? []).entries()) {
      if (when.operator === 'exists' && typeof when.answerBoolean !== 'boolean') {
        tell(
          'error',
          'que-7',
          place,
          'asks whether an answer exists: answerBoolean must say yes or no',
          `enableWhen[${at}]`,
        );
      }
    }
  }
}
