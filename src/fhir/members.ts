/** The names that an object of a type may have in JSON, and which of them it must have (R4 json.html). */
import type { Definitions, ElementDefinition } from './definitions.js';

export interface Member {
  /** FHIR's name: `value` for the JSON name `valueQuantity`. */
  element: string;
  type: string;
  choice: boolean;
  many: boolean;
  primitive: boolean;
  /** For `_birthDate`: `birthDate`, whose id and extensions it holds. */
  beside?: string;
}

export interface Members {
  names: ReadonlyMap<string, Member>;
  /** For each required element the JSON names of which one must be there. */
  required: { element: string; names: string[] }[];
  /** R4 element.html, ele-1: an element has a value or children; an id alone is neither. Resources are no elements. */
  isElement: boolean;
  isResource: boolean;
  elements: Readonly<Record<string, ElementDefinition>>;
}

/** @param name a type, or the path of an element that is defined in place, as `Patient.contact` */
export function membersOf(definitions: Definitions, name: string): Members {
  const elements = elementsAt(definitions, name);
  const names = new Map<string, Member>();
  const required: Members['required'] = [];
  for (const [element, definition] of Object.entries(elements)) {
    const own: string[] = [];
    for (const [key, type] of jsonNames(element, definition)) {
      const primitive = definitions.types.get(type)?.kind === 'primitive-type';
      const member: Member = {
        element,
        type,
        primitive,
        choice: definition.choice === true,
        many: definition.max > 1,
      };
      names.set(key, member);
      own.push(key);
      if (!primitive || isAttribute(definitions, name, element, type)) continue;
      names.set(`_${key}`, { ...member, beside: key });
      own.push(`_${key}`);
    }
    if (definition.min > 0) required.push({ element, names: own });
  }
  const isResource = definitions.types.get(name)?.kind === 'resource';
  return { names, required, elements, isResource, isElement: !isResource && name !== 'Element' };
}

/** The children of a type, or of an element by its path. */
function elementsAt(definitions: Definitions, name: string): Readonly<Record<string, ElementDefinition>> {
  const [type = '', ...steps] = name.split('.');
  let elements = definitions.types.get(type)?.elements ?? {};
  for (const step of steps) elements = elements[step]?.elements ?? {};
  return elements;
}

function jsonNames(element: string, { choice, types }: ElementDefinition): [name: string, type: string][] {
  const [only] = types;
  if (!choice) return [[element, only?.code ?? '']];
  return types.map(({ code }) => [`${element}${code.slice(0, 1).toUpperCase()}${code.slice(1)}`, code]);
}

/** In XML these are attributes or markup, and have no room for an id and extensions of their own (R4 json.html). */
function isAttribute(definitions: Definitions, name: string, element: string, type: string): boolean {
  if (type === 'xhtml' || (name === 'Extension' && element === 'url')) return true;
  return element === 'id' && definitions.types.get(name)?.kind !== 'resource';
}
