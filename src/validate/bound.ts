/** Whether a value is of a required binding's codes: a code, a Coding, a CodeableConcept or a Quantity. */
import { isObject } from '../kit/json.js';
import type { CodeSet } from './bindings.js';
import { formats } from './formats.js';

/** A wrong form has been told by the keyword for the form, so that one wrong code is one problem. */
export function isBound(value: unknown, set: CodeSet): boolean {
  if (typeof value === 'string') return formats.code?.test(value) !== true || set.has(value);
  if (!isObject(value)) return true;
  const codings = Array.isArray(value.coding) ? (value.coding as unknown[]) : [value];
  const coded = codings.filter((coding) => isObject(coding) && coding.code !== undefined);
  // Nothing but extensions, which may say why there is no code.
  if (coded.length === 0) return value.extension !== undefined && value.text === undefined;
  return coded.some(
    (coding) =>
      isObject(coding) &&
      typeof coding.code === 'string' &&
      typeof coding.system === 'string' &&
      set.has(coding.code, coding.system),
  );
}
