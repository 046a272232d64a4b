/** string: names and texts, compared without regard to case, accents and spacing. (R4 search.html#string) */
import type { Element } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { unescapeValue } from '../url.js';
import { BAD_ESCAPE, badValue, type Reader, type SearchType, type Sink } from './type.js';

/**
 * The form in which texts are compared: compatible characters alike, no accents, small letters, single spaces, and
 * letters that no accent makes as they are written where they are missing (`Ødegård` is `odegard`, `Großmann` is
 * `grossmann`).
 */
export function fold(text: string): string {
  const small = PLAIN.test(text) ? text.toLowerCase() : foldLetters(text);
  return (SPACED.test(small) ? small.replace(/\s+/g, ' ') : small).trim();
}

/** Spaces that do not stand as single ones. */
const SPACED = /[^\S ]| {2}/;

const PLAIN = /^[ -~]*$/;

/** By way of capitals, as Unicode folds case: so `ß` becomes `ss`, and the Turkish `ı` an `i`. */
function foldLetters(text: string): string {
  const small = text
    .normalize('NFKD')
    .toUpperCase()
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '');
  return small.replace(LETTERS, (letter) => plainLetters[letter] ?? letter);
}

const plainLetters: Readonly<Record<string, string>> = {
  ...{ ς: 'σ', ø: 'o', ł: 'l', æ: 'ae', œ: 'oe', đ: 'd', ð: 'd', þ: 'th', ħ: 'h', ŧ: 't', ŋ: 'n' },
  ...{ '’': "'", '‘': "'", ʼ: "'", ʻ: "'", '‐': '-', '‒': '-', '–': '-', '—': '-' },
};

const LETTERS = new RegExp(`[${Object.keys(plainLetters).join('')}]`, 'gu');

function add(value: unknown, into: Sink): void {
  if (typeof value !== 'string') return;
  const folded = fold(value);
  if (folded !== '') into.text(folded, folded === value ? '' : value);
}

const text: Reader = (value, into) => add(value, into);

/** All named parts of a name or an address; those that repeat, each by itself. */
const parts =
  (...names: string[]): Reader =>
  (value, into) => {
    for (const name of names) {
      const part = (value as Element)[name];
      if (Array.isArray(part)) for (const one of part) add(one, into);
      else add(part, into);
    }
  };

export const string: SearchType = {
  readers: {
    string: text,
    markdown: text,
    HumanName: parts('text', 'family', 'given', 'prefix', 'suffix'),
    Address: parts('text', 'line', 'city', 'district', 'state', 'postalCode', 'country'),
  },

  modifiers: () => ['exact', 'contains'],

  parse(raw, asked): Test[] {
    const wanted = unescapeValue(raw);
    if (wanted === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    const folded = fold(wanted);
    if (folded === '') throw badValue(asked, raw, 'has no letter, digit or sign to look for.');
    if (asked.modifier === 'contains') return [{ kind: 'text', value: { contains: folded } }];
    if (asked.modifier !== 'exact') return [{ kind: 'text', value: { startsWith: folded } }];
    return [{ kind: 'text', value: { is: [folded] }, detail: folded === wanted ? '' : wanted }];
  },
};
