/** What the forms of this folder are written with: a few words for each question, which become Questionnaire items. */
import type { CodeSystem, Coding, Extension, Questionnaire, QuestionnaireItem } from 'fhir/r4.js';

export const BASE = 'http://afferent.health/fhir';
export const core = 'http://hl7.org/fhir/StructureDefinition/';
export const sdc = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-';
const SYSTEM_OF_INSTRUMENTS = `${BASE}/CodeSystem/instruments`;

/** A condition: a question, and the answer that it must have. */
export type When = Readonly<Record<string, boolean | string | { atLeast: number } | { below: number }>>;

export interface Question {
  linkId: string;
  /** What the code of the question is called. */
  short: string;
  text: string;
  type: QuestionnaireItem['type'];
  /** Code and display of each answer. */
  options?: Readonly<Record<string, string>>;
  when?: When;
  optional?: true;
  repeats?: true;
  extension?: Extension[];
}

/** Text without an answer. */
export interface Message {
  linkId: string;
  text: string;
  type: 'display';
  when?: When;
  /** It tells the patient not to wait for the reply: the response is urgent when it is shown. */
  urgent?: true;
}

export interface Section {
  linkId: string;
  text: string;
  items: (Question | Message)[];
}

export interface Intake {
  name: string;
  title: string;
  description: string;
  sections: Section[];
}

type More = Partial<Pick<Question, 'when' | 'optional' | 'repeats'>>;

export const yesNo = (linkId: string, short: string, text: string, more: More = {}): Question => ({
  linkId,
  short,
  text,
  type: 'boolean',
  ...more,
});

export const choice = (
  linkId: string,
  short: string,
  text: string,
  options: Readonly<Record<string, string>>,
  more: More = {},
): Question => ({ linkId, short, text, type: 'choice', options, ...more });

export const words = (linkId: string, short: string, text: string, more: More = {}): Question => ({
  linkId,
  short,
  text,
  type: 'text',
  ...more,
});

type Numeric = (
  linkId: string,
  short: string,
  text: string,
  range: readonly [least: number, most: number],
  more?: More,
) => Question;

const number =
  (type: 'integer' | 'decimal', extension: (least: number, most: number) => Extension[]): Numeric =>
  (linkId, short, text, [least, most], more = {}) => ({
    linkId,
    short,
    text,
    type,
    ...more,
    extension: extension(least, most),
  });

export const whole = number('integer', (least, most) => [
  { url: `${core}minValue`, valueInteger: least },
  { url: `${core}maxValue`, valueInteger: most },
]);

export const decimal = number('decimal', (least, most) => [
  { url: `${core}minValue`, valueDecimal: least },
  { url: `${core}maxValue`, valueDecimal: most },
  { url: `${core}maxDecimalPlaces`, valueInteger: 1 },
]);

/** A number in one of these units of UCUM. */
export const measured = (
  linkId: string,
  short: string,
  text: string,
  units: readonly string[],
  more: More = {},
): Question => ({
  linkId,
  short,
  text,
  type: 'quantity',
  ...more,
  extension: units.map((code) => ({
    url: `${core}questionnaire-unitOption`,
    valueCoding: { system: 'http://unitsofmeasure.org', code, display: code },
  })),
});

/** A photograph or scan of at most 20 MB; where it is required, as many as `least`. */
export const photograph = (
  linkId: string,
  short: string,
  text: string,
  [least, most]: readonly [number, number],
  when?: When,
): Question => ({
  linkId,
  short,
  text,
  type: 'attachment',
  repeats: true,
  ...(least === 0 && { optional: true as const }),
  ...(when !== undefined && { when }),
  extension: [
    { url: `${core}mimeType`, valueCode: 'image/jpeg' },
    { url: `${core}mimeType`, valueCode: 'image/png' },
    { url: `${core}maxSize`, valueDecimal: 20 * 1024 * 1024 },
    ...(least > 1 ? [{ url: `${core}questionnaire-minOccurs`, valueInteger: least }] : []),
    { url: `${core}questionnaire-maxOccurs`, valueInteger: most },
  ],
});

export const message = (linkId: string, text: string, when?: When): Message => ({
  linkId,
  text,
  type: 'display',
  ...(when !== undefined && { when }),
});

/** The last section of every intake: without a yes the answers may not be sent on. */
export const consent = (what: string, reader: string): Section => ({
  linkId: 'consent',
  text: 'Your agreement',
  items: [
    yesNo(
      'consent-to-share',
      'Agreement to share',
      `Do you agree that ${what} are sent to ${reader} and kept in your record?`,
    ),
    message('consent-missing', 'Without your agreement this form cannot be forwarded. Please see a doctor in person.', {
      'consent-to-share': false,
    }),
  ],
});

/** A sign that cannot wait: a question, and what to do when the answer is yes. */
export const redFlag = (
  linkId: string,
  short: string,
  text: string,
  todo: string,
  when?: When,
): (Question | Message)[] => [
  yesNo(linkId, short, text, when === undefined ? {} : { when }),
  { linkId: `${linkId}-urgent`, text: todo, type: 'display', when: { [linkId]: true }, urgent: true },
];

/** The questionnaire and the code system of an intake. */
export function intakeResources({ name, title, description, sections }: Intake): [Questionnaire, CodeSystem] {
  const system = `${BASE}/CodeSystem/${name}`;
  const pascal = name.replace(/(^|-)(\w)/g, (_, __, letter: string) => letter.toUpperCase());
  const all = sections.flatMap(({ items }) => items);
  const shared = {
    version: '1.0.0',
    status: 'active',
    experimental: true,
    date: '2026-11-26',
    publisher: 'Afferent',
  } as const;
  const questionnaire: Questionnaire = {
    resourceType: 'Questionnaire',
    id: `${name}-1.0.0`,
    url: `${BASE}/Questionnaire/${name}`,
    name: pascal,
    title,
    ...shared,
    subjectType: ['Patient'],
    description: `${description} It is active so that it can be filled in for demonstrations, and experimental because no clinician has reviewed it yet: do not use it for care.`,
    purpose:
      'NEEDS CLINICAL REVIEW before any use in care: the questions, the choice of signs that cannot wait, and the advice shown for them were written from general knowledge and have not been tested with patients.',
    copyright: `${OWN} The wording is original and reproduces no published instrument.`,
    code: [{ system, code: `${name}-intake`, display: title }],
    item: [
      ...sections.map(({ linkId, text, items }): QuestionnaireItem => ({
        linkId,
        text,
        type: 'group',
        // Without it, what is required in a section would not be missed where the whole section is left out.
        required: true,
        item: items.map((one) => itemOf(one, system, all)),
      })),
      urgentFlag(anyOf(all)),
    ],
  };
  const concept = [
    { code: `${name}-intake`, display: title, property: kind('form') },
    ...all.flatMap((one) =>
      one.type === 'display'
        ? []
        : [{ code: one.linkId, display: one.short, definition: one.text, property: kind('question') }],
    ),
    ...[...optionsOf(all)].map(([code, display]) => ({ code, display, property: kind('answer') })),
  ];
  return [questionnaire, codeSystem(name, pascal, title, shared, concept)];
}

const OWN = 'Copyright Afferent contributors; licensed under the Apache License, Version 2.0.';
const kind = (valueCode: string) => [{ code: 'kind', valueCode }];

/** The same code means the same everywhere in a form. */
function optionsOf(all: readonly (Question | Message)[]): Map<string, string> {
  const found = new Map<string, string>();
  const questions = new Set(all.map(({ linkId }) => linkId));
  for (const one of all) {
    for (const [code, display] of Object.entries(('options' in one ? one.options : undefined) ?? {})) {
      if (questions.has(code) || (found.get(code) ?? display) !== display) throw new Error(`${code} has two meanings`);
      found.set(code, display);
    }
  }
  return found;
}

function codeSystem(
  name: string,
  pascal: string,
  title: string,
  shared: Pick<CodeSystem, 'version' | 'status' | 'experimental' | 'date' | 'publisher'>,
  concept: NonNullable<CodeSystem['concept']>,
): CodeSystem {
  return {
    resourceType: 'CodeSystem',
    id: `${name}-1.0.0`,
    url: `${BASE}/CodeSystem/${name}`,
    name: `${pascal}Codes`,
    title: `Questions and answers: ${title}`,
    ...shared,
    description:
      'Codes for the questions and answers of this intake. They are our own because SNOMED CT, which has concepts for most of them, may not be shipped without a licence; a ConceptMap can relate the two where a licence exists.',
    purpose: 'NEEDS CLINICAL REVIEW together with the questionnaire that uses these codes.',
    copyright: OWN,
    caseSensitive: true,
    content: 'complete',
    count: concept.length,
    property: [
      {
        code: 'kind',
        uri: `${BASE}/CodeSystem/${name}#kind`,
        description: 'What the code names: form, question or answer.',
        type: 'code',
      },
    ],
    concept,
  };
}

function itemOf(one: Question | Message, system: string, all: readonly (Question | Message)[]): QuestionnaireItem {
  const { linkId, text, type, when } = one;
  const enabled = when === undefined ? {} : enabledBy(when, system, all);
  if (!('short' in one)) return { linkId, text, type, ...enabled };
  const { extension, short, optional, repeats, options } = one;
  return {
    ...(extension !== undefined && { extension }),
    linkId,
    code: [{ system, code: linkId, display: short }],
    text,
    type,
    ...enabled,
    required: optional !== true,
    ...(repeats !== undefined && { repeats }),
    ...(options !== undefined && {
      answerOption: Object.entries(options).map(([code, display]) => ({ valueCoding: { system, code, display } })),
    }),
  };
}

function enabledBy(when: When, system: string, all: readonly (Question | Message)[]): Partial<QuestionnaireItem> {
  const conditions = Object.entries(when).map(([question, answer]) => {
    if (!all.some(({ linkId }) => linkId === question)) throw new Error(`${question} is asked nowhere`);
    if (typeof answer === 'boolean') return { question, operator: '=' as const, answerBoolean: answer };
    if (typeof answer === 'string') return { question, operator: '=' as const, answerCoding: { system, code: answer } };
    if ('below' in answer) return { question, operator: '<' as const, answerInteger: answer.below };
    return { question, operator: '>=' as const, answerInteger: answer.atLeast };
  });
  return { enableWhen: conditions, ...(conditions.length > 1 && { enableBehavior: 'all' as const }) };
}

/** FHIRPath that is true when one of the urgent messages is shown. */
function anyOf(all: readonly (Question | Message)[]): string {
  const urgent = all.flatMap((one) => ('urgent' in one && one.when !== undefined ? [one.when] : []));
  return urgent
    .map((when) => {
      const parts = Object.entries(when).map(([linkId, answer]) => {
        const values = `%resource.repeat(item).where(linkId = '${linkId}').answer.value`;
        if (typeof answer === 'boolean') return `${values}.where($this = ${String(answer)}).exists()`;
        if (typeof answer === 'string') return `${values}.where(code = '${answer}').exists()`;
        const bound = 'below' in answer ? `< ${String(answer.below)}` : `>= ${String(answer.atLeast)}`;
        return `${values}.where($this ${bound}).exists()`;
      });
      return parts.length > 1 ? `(${parts.join(' and ')})` : parts.join('');
    })
    .join(' or ');
}

export const urgentFlag = (expression: string): QuestionnaireItem => ({
  extension: [
    { url: `${sdc}observationExtract`, valueBoolean: true },
    calculated(expression, 'True when an answer is a sign that cannot wait for the reply to this form.'),
  ],
  linkId: 'urgent-flag',
  code: [own('urgent-flag', 'Sign reported that cannot wait')],
  text: 'A sign was reported that cannot wait',
  type: 'boolean',
  required: false,
  readOnly: true,
});

export const calculated = (expression: string, description: string): Extension => ({
  url: `${sdc}calculatedExpression`,
  valueExpression: { description, language: 'text/fhirpath', expression },
});

/** A code for what no published code stands for. */
export const own = (code: string, display: string): Coding => ({ system: SYSTEM_OF_INSTRUMENTS, code, display });
