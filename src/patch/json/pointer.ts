/** JSON Pointer (RFC 6901): where an operation of a JSON Patch works. */
import { failure } from '../../fhir/outcome.js';
import { brief } from '../brief.js';
import { isList, isMembers, item, member, type Kept, type Members } from '../tree.js';

/** The names and indexes on the way from the document down; empty for the document itself. */
export type Pointer = readonly string[];

/** @param at where the pointer stands in the patch, for the refusal */
export function pointerOf(text: string, at: string): Pointer {
  if (text === '') return [];
  if (!text.startsWith('/')) {
    throw failure(
      'value',
      `${at} must be empty or begin with "/", as in "/name/0/family"; found "${brief(text)}".`,
      at,
    );
  }
  return text
    .slice(1)
    .split('/')
    .map((token) => {
      const wrong = BAD_ESCAPE.exec(token)?.[0];
      if (wrong === undefined) return token.replaceAll('~1', '/').replaceAll('~0', '~');
      throw failure('value', `${at} has "${wrong}"; in a JSON Pointer "~" is written ~0 and "/" is written ~1.`, at);
    });
}

/** RFC 6901, section 3: a tilde is followed by 0 or 1. */
const BAD_ESCAPE = /~(?![01]).?/;

/** The value that the pointer leads to; undefined where there is none. */
export function valueAt(document: Kept, pointer: Pointer): Kept | undefined {
  let found: Kept | undefined = document;
  for (const token of pointer) {
    if (found === undefined) return undefined;
    found = childOf(found.value, token);
  }
  return found;
}

/** The object or list that holds the pointer's last token; undefined where there is none, or a value without children. */
export function holderAt(document: Kept, pointer: Pointer): Members | unknown[] | undefined {
  const value = valueAt(document, pointer.slice(0, -1))?.value;
  return isList(value) || isMembers(value) ? value : undefined;
}

/** An index as RFC 6901, section 4 writes it: digits without a leading zero. Undefined for anything else. */
export const indexOf = (token: string): number | undefined => (INDEX.test(token) ? Number(token) : undefined);

const INDEX = /^(?:0|[1-9][0-9]*)$/;

function childOf(holder: unknown, token: string): Kept | undefined {
  if (isMembers(holder)) return member(holder, token);
  const index = indexOf(token);
  return isList(holder) && index !== undefined ? item(holder, index) : undefined;
}

export const written = (pointer: Pointer): string =>
  brief(pointer.map((token) => `/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''));
