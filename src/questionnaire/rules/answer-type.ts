/** V7, V16, V24: an answer has the type that the question asks for. */
import { say } from '../issue.js';
import type { ValueRule } from './rule.js';

/** TABLE: item.type -> types of an answer (R4 questionnaire-definitions.html#Questionnaire.item.type). */
export const ANSWERS: Readonly<Record<string, readonly string[]>> = {
  boolean: ['boolean'],
  decimal: ['decimal'],
  integer: ['integer'],
  date: ['date'],
  dateTime: ['dateTime'],
  time: ['time'],
  string: ['string'],
  text: ['string'],
  url: ['uri'],
  choice: ['Coding'],
  'open-choice': ['Coding', 'string'],
  attachment: ['Attachment'],
  reference: ['Reference'],
  quantity: ['Quantity'],
};

/** Options of a `choice` may be of other types: its answers then have those. */
const OPTIONS = new Set(['integer', 'date', 'time', 'string', 'Reference']);

export const answerType: ValueRule = (_, node, question, value, at, tell) => {
  const types = typesFor(question);
  if (types.includes(value.type)) return;
  const asked = types.length === 0 ? 'nothing' : types.join(' or ');
  tell(say(node, 'invalidAnswerType', `asks for ${asked} (its type is ${question.type}); found ${value.type}`, at));
};

const typesFor = ({ type, options, answerConstraint }: Parameters<ValueRule>[2]): readonly string[] => {
  const written = type === 'choice' && answerConstraint === 'optionsOrString' ? 'open-choice' : type;
  const usual = ANSWERS[written] ?? [];
  if (options.length === 0 || (type !== 'choice' && type !== 'open-choice')) return usual;
  const others = options.map((option) => option.type).filter((one) => OPTIONS.has(one));
  return others.length === 0 ? usual : [...new Set([...usual, ...others])];
};

/** A line is not a text. */
export const newLine: ValueRule = (_, node, { type }, { value }, at, tell) => {
  if (type !== 'string' || typeof value !== 'string' || !/[\r\n]/.test(value)) return;
  tell(say(node, 'invalidNewLine', 'asks for one line (type string); a question of type text may have several', at));
};

export const url: ValueRule = (_, node, { type }, { value }, at, tell) => {
  if (type !== 'url' || typeof value !== 'string' || ABSOLUTE.test(value)) return;
  tell(say(node, 'invalidUrlValue', 'asks for an absolute URL, such as https://example.org, or urn:uuid:…', at));
};

const ABSOLUTE =
  /^(?:urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?!urn:uuid:)[a-z][a-z0-9+.-]{0,31}:[^\s]+)$/;
