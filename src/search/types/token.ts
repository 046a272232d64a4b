/** token: codes, identifiers and the like, as a system and a code. (R4 search.html#token) */
import type { CodeableConcept, Coding, Identifier } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { splitUnescaped, unescapeValue } from '../url.js';
import { fold } from './string.js';
import { BAD_ESCAPE, badValue, type Asked, type Reader, type SearchType } from './type.js';

/** Text without a system of its own. */
const plain: Reader = (value, into) => {
  if (typeof value === 'string') into.text(value);
};

/** A code's system is the one its required binding implies, if it implies exactly one. */
const code: Reader = (value, into, implied) => {
  if (typeof value === 'string') into.text(value, implied(value));
};

const pair = (into: Parameters<Reader>[1], system: unknown, value: unknown): void => {
  const [detail, text] = [typeof system === 'string' ? system : '', typeof value === 'string' ? value : ''];
  if (detail !== '' || text !== '') into.text(text, detail);
};

const coding: Reader = (value, into) => {
  const { system, code, display } = value as Coding;
  pair(into, system, code);
  words(into, display);
};

/** What people read beside a code, found by `:text`. */
function words(into: Parameters<Reader>[1], text: unknown): void {
  if (into.takesAsides && typeof text === 'string' && text !== '') into.aside('text', fold(text));
}

const isElement = (value: unknown): boolean => typeof value === 'object' && value !== null;

export const token: SearchType = {
  readers: {
    code,
    string: plain,
    id: plain,
    uri: plain,
    url: plain,
    canonical: plain,
    oid: plain,
    uuid: plain,
    boolean: (value, into) => {
      if (typeof value === 'boolean') into.text(String(value));
    },
    Coding: coding,
    CodeableConcept(value, into, implied) {
      const { coding: codings, text } = value as CodeableConcept;
      words(into, text);
      if (Array.isArray(codings)) for (const one of codings) if (isElement(one)) coding(one, into, implied);
    },
    Identifier(value, into) {
      const { system, value: text, type } = value as Identifier;
      pair(into, system, text);
      if (!isElement(type)) return;
      words(into, type?.text);
      const codings = type?.coding;
      if (!Array.isArray(codings) || typeof text !== 'string') return;
      for (const one of codings) {
        if (isElement(one) && typeof one.code === 'string')
          into.aside('of-type', typed(one.code, text), one.system ?? '');
      }
    },
    /** The use stands where a system would. (R4 search.html#token, the table of types) */
    ContactPoint(value, into) {
      const { use, value: text } = value as { use?: string; value?: string };
      if (typeof text === 'string') pair(into, use, text);
    },
  },

  modifiers: ({ elements }) => [
    'not',
    ...(elements.some((type) => WITH_WORDS.has(type)) ? ['text'] : []),
    ...(elements.includes('Identifier') ? ['of-type'] : []),
  ],
  asides: ['text', 'of-type'],

  mayHaveSystem: (elements) => elements.some((type) => !WITHOUT_SYSTEM.has(type)),

  parse(raw, asked): Test[] {
    const parts = splitUnescaped(raw, '|').map(unescapeValue);
    const [first, second] = parts;
    if (parts.includes(undefined) || first === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    if (asked.modifier === 'text') return textTests(raw, asked);
    if (asked.modifier === 'of-type') return ofType(parts, raw, asked);
    if (parts.length > 2) throw badValue(asked, raw, 'is not system|code; write a | that belongs to either as \\|.');
    if (second === undefined) return [{ kind: 'text', value: { is: [first] } }];
    if (first === '' && second === '') throw badValue(asked, raw, 'names neither a system nor a code.');
    if (second === '') return [{ kind: 'text', detail: first }];
    return [{ kind: 'text', value: { is: [second] }, detail: first }];
  },
};

/** Bare texts and truth values come from no system. */
const WITHOUT_SYSTEM: ReadonlySet<string> = new Set([
  'string',
  'id',
  'uri',
  'url',
  'canonical',
  'oid',
  'uuid',
  'boolean',
]);

/** Only these have a text beside their code. */
const WITH_WORDS: ReadonlySet<string> = new Set(['CodeableConcept', 'Coding', 'Identifier']);

/** `:of-type` asks for the type of an identifier together with its value. (R4 search.html#token) */
function ofType(parts: readonly (string | undefined)[], raw: string, asked: Asked): Test[] {
  const [system, code, value] = parts;
  if (parts.length !== 3 || !system || !code || !value)
    throw badValue(asked, raw, 'is not system|code|value, all three.');
  return [{ kind: 'text', value: { is: [typed(code, value)] }, detail: system }];
}

/** The unit separator stands in no FHIR string. */
const typed = (code: string, value: string): string => `${code}\u001f${value}`;

/** Words are compared as strings are: without case and accents, from their beginning. */
function textTests(raw: string, asked: Asked): Test[] {
  const folded = fold(unescapeValue(raw) ?? '');
  if (folded === '') throw badValue(asked, raw, 'has no letter, digit or sign to look for.');
  return [{ kind: 'text', value: { startsWith: folded } }];
}
