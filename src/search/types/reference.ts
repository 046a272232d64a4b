/** reference: to a resource of this server or another, or by canonical URL. (R4 search.html#reference) */
import { isId, parseCanonical, parseReference, printReference, type ParsedReference } from '../../fhir/reference.js';
import type { Reference, ResourceType } from '../../fhir/types.js';
import type { Test } from '../plan.js';
import { splitUnescaped, unescapeValue } from '../url.js';
import { BAD_ESCAPE, badValue, type Asked, type SearchType } from './type.js';

/**
 * A reference by identifier alone, or to a contained resource, points at nothing that can be found, so it gives no
 * entry. A version that a reference names does not matter: it is the same resource.
 */
export const reference: SearchType = {
  readers: {
    Reference(value, into) {
      const text = (value as Reference).reference;
      if (typeof text !== 'string') return;
      const parsed = parseReference(text, into.base);
      if (parsed !== undefined && parsed.kind !== 'contained') into.text(printReference(unversioned(parsed)));
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

  modifiers: ({ targets }) => targets,

  parse(raw, asked): Test[] {
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
