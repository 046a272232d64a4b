/** reference: to a resource of this server or another, or by canonical URL. (R4 search.html#reference) */
import { isId, parseCanonical, parseReference, printReference, type ParsedReference } from '../../fhir/reference.js';
import { failure, type FhirError } from '../../fhir/outcome.js';
import type { Identifier, Reference, ResourceType } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { splitUnescaped, unescapeValue } from '../url.js';
import { token } from './token.js';
import { BAD_ESCAPE, badValue, type Asked, type SearchType } from './type.js';

/**
 * A reference to a contained resource points at nothing that can be found, so its entry only says that there is one;
 * one by identifier is found by that. A version that a reference names does not matter: it is the same resource.
 */
export const reference: SearchType = {
  readers: {
    Reference(value, into) {
      const { reference: text, identifier } = value as Reference;
      if (typeof identifier === 'object') {
        const { system, value: number } = (identifier as Identifier | null) ?? {};
        if (typeof number === 'string') into.aside('identifier', number, typeof system === 'string' ? system : '');
      }
      const parsed = typeof text === 'string' ? parseReference(text, into.base) : undefined;
      if (typeof text === 'string' && CONDITIONAL.test(text)) throw conditional(text);
      if (parsed === undefined || parsed.kind === 'contained') into.aside('other', 'present', '');
      else into.text(printReference(unversioned(parsed)));
    },
    canonical(value, into) {
      if (typeof value !== 'string' || value.startsWith('#')) return;
      const { url, version } = parseCanonical(value);
      into.text(localOf(url, into.base), version);
    },
    uri(value, into) {
      if (typeof value === 'string') into.text(localOf(value, into.base));
    },
  },

  modifiers: ({ targets, elements }) => [...(elements.includes('Reference') ? ['identifier'] : []), ...targets],
  asides: ['identifier', 'other'],

  parse(raw, asked): Test[] {
    // The identifier of the reference itself, not of what it points at. (R4 search.html#reference)
    if (asked.modifier === 'identifier') return identifierTests(raw, asked);
    const parts = splitUnescaped(raw, '|').map(unescapeValue);
    const [text, version] = parts;
    if (parts.includes(undefined) || text === undefined) throw badValue(asked, raw, BAD_ESCAPE);
    const { targets } = asked.parameter;
    if (parts.length === 1 && isId(text)) {
      const types = asked.modifier === undefined ? targets : [asked.modifier];
      return [{ kind: 'text', value: { is: types.map((type) => `${type}/${text}`) } }];
    }
    const parsed = parseReference(text, asked.base);
    if (parts.length > 2 || version === '' || parsed === undefined || parsed.kind === 'contained') {
      throw badValue(asked, raw, FORMS);
    }
    checkType(parsed, raw, asked);
    const is = [printReference(parsed)];
    return [{ kind: 'text', value: { is }, ...(version === undefined ? {} : { detail: version }) }];
  },
};

const CONDITIONAL = /^[A-Z][A-Za-z]{1,63}\?/;

/** The one form that the structure allows and that nobody can follow (R4 http.html#trules). */
function conditional(text: string): FhirError {
  const say = `The reference "${text.slice(0, 80)}" is conditional, which transactions alone may use; refer by Type/id.`;
  return failure('invalid', say);
}

function identifierTests(raw: string, { modifier: _, ...asked }: Asked): Test[] {
  return token.parse(raw, asked);
}

const FORMS = 'is neither an id, nor Type/id, nor an absolute URL, with |version if it is a canonical one.';

function checkType(parsed: ParsedReference, raw: string, asked: Asked): void {
  if (parsed.kind !== 'resource') {
    if (asked.modifier !== undefined) throw badValue(asked, raw, `is not of the type ${asked.modifier}.`);
    return;
  }
  if (parsed.version !== undefined)
    throw badValue(asked, raw, 'names a version; leave out /_history and what follows.');
  if (asked.modifier !== undefined && parsed.type !== asked.modifier) {
    throw badValue(asked, raw, `is not of the type ${asked.modifier}.`);
  }
  if (parsed.base === undefined && !isTarget(parsed.type, asked)) {
    throw badValue(asked, raw, `is of the type ${parsed.type}, which ${asked.parameter.code} never points at.`);
  }
}

const isTarget = (type: ResourceType, asked: Asked): boolean => asked.parameter.targets.includes(type);

function unversioned(parsed: ParsedReference): ParsedReference {
  if (parsed.kind !== 'resource' || parsed.version === undefined) return parsed;
  return { ...parsed, version: undefined };
}

/** An URL under this server's base is the resource itself, in both of its forms. */
function localOf(url: string, base: string): string {
  const parsed = parseReference(url, base);
  return parsed?.kind === 'resource' && parsed.base === undefined ? printReference(unversioned(parsed)) : url;
}
