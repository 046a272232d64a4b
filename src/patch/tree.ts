/**
 * The copy that a patch edits in place. It keeps the digits of numbers as they were written: `kit/json.ts` notes them
 * beside the object or array that holds the number, so whoever moves a number must take its digits along. Members are
 * own properties only, whatever their name.
 */
import { failure } from '../fhir/outcome.js';
import { digitsOf, markDigits, noDigits } from '../kit/json-digits.js';
import { limits } from '../kit/limits.js';
import type { Work } from './work.js';

export type Members = Record<string, unknown>;

/** A value on its way, with the digits that a number was written in. */
export interface Kept {
  value: unknown;
  digits?: string;
}

export const isList = (value: unknown): value is unknown[] => Array.isArray(value);

export const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A copy that shares nothing with the original. */
export function copied(original: Kept, work?: Work): Kept {
  return { ...original, value: copyOf(original.value, work, 0) };
}

/**
 * Makes the edited copy one that `stringify` writes with all its digits: what holds such a number, however deep, must
 * say so.
 */
export function sealed(root: unknown): void {
  markAbove(root, 0);
}

export function member(holder: Members, name: string): Kept | undefined {
  if (!Object.hasOwn(holder, name)) return undefined;
  return kept(holder[name], digitsOf(holder)?.[name]);
}

export function item(list: unknown[], index: number): Kept | undefined {
  return index < list.length ? kept(list[index], digitsOf(list)?.[index]) : undefined;
}

export function setMember(holder: Members, name: string, { value, digits }: Kept): void {
  // Not by assignment, which would set the prototype for the name `__proto__`.
  Object.defineProperty(holder, name, { value, enumerable: true, writable: true, configurable: true });
  note(holder, name, digits);
}

export function setItem(list: unknown[], index: number, { value, digits }: Kept): void {
  list[index] = value;
  note(list, index, digits);
}

export function removeMember(holder: Members, name: string): void {
  Reflect.deleteProperty(holder, name);
  note(holder, name, undefined);
}

export function insertItem(list: unknown[], index: number, { value, digits }: Kept, work: Work): void {
  list.splice(index, 0, value);
  shift(list, (at) => (at < index ? at : at + 1), work);
  note(list, index, digits);
}

export function removeItem(list: unknown[], index: number, work: Work): void {
  list.splice(index, 1);
  shift(list, (at) => (at < index ? at : at === index ? undefined : at - 1), work);
}

const kept = (value: unknown, digits: string | undefined): Kept =>
  digits === undefined ? { value } : { value, digits };

function note(holder: object, key: string | number, digits: string | undefined): void {
  const known = digitsOf(holder);
  if (digits !== undefined) {
    if (known === undefined) markDigits(holder, noDigits());
    const own = digitsOf(holder);
    if (own !== undefined) own[key] = digits;
  } else if (known !== undefined) Reflect.deleteProperty(known, key);
}

/** The digits of a list's numbers stand under their indexes, which change when an item comes or goes before them. */
function shift(list: unknown[], moved: (index: number) => number | undefined, work: Work): void {
  const digits = digitsOf(list);
  if (digits === undefined) return;
  const shifted = noDigits();
  const entries = Object.entries(digits);
  work.spend(entries.length * SHIFTING);
  for (const [key, written] of entries) {
    const index = moved(Number(key));
    if (index !== undefined) shifted[index] = written;
  }
  markDigits(list, shifted);
}

function copyOf(value: unknown, work: Work | undefined, depth: number): unknown {
  work?.spend(typeof value === 'string' ? value.length + COPYING : COPYING);
  if (typeof value !== 'object' || value === null) return value;
  tooDeep(depth);
  const copy = isList(value)
    ? value.map((one) => copyOf(one, work, depth + 1))
    : // Unlike assignments, this makes `__proto__` a name like any other.
      Object.fromEntries(Object.entries(value).map(([name, one]) => [name, copyOf(one, work, depth + 1)]));
  const digits = digitsOf(value);
  if (digits !== undefined) markDigits(copy, Object.assign(noDigits(), digits));
  return copy;
}

/** Units of work of an element that is copied, and of a list's digits that get another index. */
const COPYING = 5;
const SHIFTING = 10;

/** Whether the value holds numbers with digits of their own; all that do are marked. */
function markAbove(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  tooDeep(depth);
  let marked = digitsOf(value) !== undefined;
  for (const one of isList(value) ? value : Object.values(value)) {
    if (markAbove(one, depth + 1)) marked = true;
  }
  if (marked && digitsOf(value) === undefined) markDigits(value, noDigits());
  return marked;
}

/** Values are nested by the patch, however flat each of them was read; all that follows recurses. */
function tooDeep(depth: number): void {
  if (depth < limits.depth) return;
  throw failure('unprocessable', `The patch would make more than ${limits.depth} levels of objects and arrays.`);
}
