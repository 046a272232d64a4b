/** token: codes, identifiers and the like, as a system and a code. (R4 search.html#token) */
import type { CodeableConcept, Coding, Identifier } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { splitUnescaped, unescapeValue } from '../url.js';
import { BAD_ESCAPE, badValue, type Reader, type SearchType } from './type.js';

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
  const { system, code } = value as Coding;
  pair(into, system, code);
};

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
      const codings = (value as CodeableConcept).coding;
      if (Array.isArray(codings)) for (const one of codings) if (isElement(one)) coding(one, into, implied);
    },
    Identifier(value, into) {
      const { system, value: text } = value as Identifier;
      pair(into, system, text);
    },
    /** The use stands where a system would. (R4 search.html#token, the table of types) */
    ContactPoint(value, into) {
      const { use, value: text } = value as { use?: string; value?: string };
      if (typeof text === 'string') pair(into, use, text);
    },
  },

  modifiers: () => ['not'],

  parse(raw, asked): Test[] {
    const parts = splitUnescaped(raw, '|').map(unescapeValue);
    const [first, second] = parts;
    if (parts.includes(undefined) || first === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    if (parts.length > 2) throw badValue(asked, raw, 'is not system|code; write a | that belongs to either as \\|.');
    if (second === undefined) return [{ kind: 'text', value: { is: [first] } }];
    if (first === '' && second === '') throw badValue(asked, raw, 'names neither a system nor a code.');
    if (second === '') return [{ kind: 'text', detail: first }];
    return [{ kind: 'text', value: { is: [second] }, detail: first }];
  },
};
