/** The words of Questionnaire and QuestionnaireResponse that the engine reads (R4 questionnaire.html). */
import type { Coding, Element, Reference, Resource } from '../fhir/types.js';

export interface Extension extends Element {
  url?: string;
  extension?: Extension[];
}

export interface Quantity extends Element {
  value?: number;
  unit?: string;
  system?: string;
  code?: string;
}

export interface Attachment extends Element {
  contentType?: string;
  data?: string;
  size?: number;
}

export interface Condition extends Element {
  question: string;
  operator: string;
}

export interface AnswerOption extends Element {
  extension?: Extension[];
  valueCoding?: Coding;
}

export interface QuestionnaireItem extends Element {
  linkId: string;
  type: string;
  text?: string;
  extension?: Extension[];
  modifierExtension?: Extension[];
  enableWhen?: Condition[];
  enableBehavior?: string;
  required?: boolean;
  repeats?: boolean;
  readOnly?: boolean;
  maxLength?: number;
  answerValueSet?: string;
  answerOption?: AnswerOption[];
  initial?: Element[];
  item?: QuestionnaireItem[];
}

export interface Questionnaire extends Resource {
  url?: string;
  version?: string;
  status?: string;
  language?: string;
  subjectType?: string[];
  effectivePeriod?: { start?: string; end?: string };
  extension?: Extension[];
  modifierExtension?: Extension[];
  contained?: Resource[];
  item?: QuestionnaireItem[];
}

export interface Answer extends Element {
  item?: ResponseItem[];
}

export interface ResponseItem extends Element {
  linkId: string;
  text?: string;
  answer?: Answer[];
  item?: ResponseItem[];
}

export interface QuestionnaireResponse extends Resource {
  status?: string;
  questionnaire?: string;
  subject?: Reference;
  contained?: Resource[];
  authored?: string;
  language?: string;
  extension?: Extension[];
  item?: ResponseItem[];
}

/** What an answer holds: its type in FHIR's words, and the value. */
export interface Value {
  type: string;
  value: unknown;
}

/** The `value[x]` of an answer, an option, an initial value or a condition (`answer[x]`). */
export function valueOf(holder: Element, prefix: 'value' | 'answer' = 'value'): Value | undefined {
  for (const name in holder) {
    if (name.length > prefix.length && name.startsWith(prefix)) {
      const type = name.slice(prefix.length);
      return { type: SMALL[type] ?? type, value: holder[name] };
    }
  }
  return undefined;
}

/** TABLE: primitive types as they stand in a JSON name. */
const SMALL: Readonly<Record<string, string>> = {
  Boolean: 'boolean',
  Decimal: 'decimal',
  Integer: 'integer',
  Date: 'date',
  DateTime: 'dateTime',
  Time: 'time',
  String: 'string',
  Uri: 'uri',
  Canonical: 'canonical',
  Code: 'code',
  Url: 'url',
};

export const isCoding = ({ type }: Value): boolean => type === 'Coding';
export const isReference = (value: unknown): value is Reference => typeof value === 'object' && value !== null;
