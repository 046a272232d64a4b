/** What R4's definitions say about an element's children: their names in JSON, their types, whether they repeat. */
import type { Definitions, ElementDefinition } from '../../fhir/definitions.js';

export type Elements = Readonly<Record<string, ElementDefinition>>;

/** The children of an element of that type; a primitive has `id` and `extension`, a contained resource none yet. */
export function elementsOf(definitions: Definitions, element: ElementDefinition, type: string): Elements {
  if (element.contentReference !== undefined) return elementsAt(definitions, element.contentReference);
  if (element.elements !== undefined) return element.elements;
  const name = isPrimitive(definitions, type) ? 'Element' : type;
  return definitions.types.get(name)?.elements ?? {};
}

/** An own element of that name which may be there at all: xhtml has an extension with max 0. */
export function elementNamed(elements: Elements, name: string): ElementDefinition | undefined {
  const element = Object.hasOwn(elements, name) ? elements[name] : undefined;
  return element === undefined || element.max === 0 ? undefined : element;
}

/** The types that an element's value may have; a reference to other content stands for what is defined in place. */
export const typesOf = (element: ElementDefinition): readonly string[] =>
  element.types.length > 0 ? element.types.map(({ code }) => code) : ['BackboneElement'];

/** `value[x]` is `valueQuantity` in JSON. (R4 formats.html#choice) */
export const jsonName = (element: ElementDefinition, name: string, type: string): string =>
  element.choice === true ? name + type.charAt(0).toUpperCase() + type.slice(1) : name;

export const repeats = (element: ElementDefinition): boolean => element.max > 1;

export const isPrimitive = (definitions: Definitions, type: string): boolean =>
  definitions.types.get(type)?.kind === 'primitive-type';

/** Whether a type is another or derives from it. */
export function isA(definitions: Definitions, type: string, ancestor: string): boolean {
  for (let name: string | undefined = type, depth = 0; name !== undefined && depth < 8; depth += 1) {
    if (name === ancestor) return true;
    name = definitions.types.get(name)?.base;
  }
  return false;
}

function elementsAt(definitions: Definitions, path: string): Elements {
  const [type = '', ...names] = path.slice(path.indexOf('#') + 1).split('.');
  let elements = definitions.types.get(type)?.elements;
  for (const name of names) elements = elements?.[name]?.elements;
  return elements ?? {};
}
