/**
 * Where links may stand in a resource: R4's definitions compiled to tables of JSON names, one a type or element. What
 * an element is follows from its type and never from its name, in extensions, choices and contained resources too.
 */
import type { Definitions, ElementDefinition } from '../definitions.js';

/** Of what type the element is that holds a link. Canonicals are names and no links (R4 references.html#canonical). */
export type LinkKind = 'reference' | 'uri' | 'url' | 'oid' | 'uuid' | 'narrative';

/** One JSON name in an object, when a link may stand there or below. */
export interface Field {
  /** FHIR's name: `value` for the JSON name `valueUri`. */
  name: string;
  kind?: LinkKind;
  /** What an object there holds; `any`: a resource, which says itself what it is. */
  below?: Shape | 'any';
}

export type Shape = ReadonlyMap<string, Field>;

/** The shape of a resource type; undefined when R4 has no such type. */
export type Shapes = (type: string) => Shape | undefined;

const compiled = new WeakMap<Definitions, Shapes>();

export function shapesOf(definitions: Definitions): Shapes {
  const known = compiled.get(definitions);
  if (known !== undefined) return known;
  const shapes = compile(definitions);
  compiled.set(definitions, shapes);
  return shapes;
}

/** TABLE: primitive types whose values may be links (R4 http.html#trules). */
const KINDS: Readonly<Record<string, LinkKind>> = {
  uri: 'uri',
  url: 'url',
  oid: 'oid',
  uuid: 'uuid',
  xhtml: 'narrative',
};

type Elements = Readonly<Record<string, ElementDefinition>>;

function compile({ types }: Definitions): Shapes {
  const shapes = new Map<string, Map<string, Field>>();

  /** By the name of a type, or the path of an element that is defined in place; recursive ones find themselves. */
  const shape = (path: string, elements: Elements): Shape => {
    const known = shapes.get(path);
    if (known !== undefined) return known;
    const fields = new Map<string, Field>();
    shapes.set(path, fields);
    for (const [name, element] of Object.entries(elements)) {
      // A Bundle inside is a world of its own: its entries refer to each other by their own fullUrls.
      if (path === 'Bundle' && name === 'entry') continue;
      for (const [key, type] of jsonNames(name, element)) addFields(fields, path, name, key, type, element);
    }
    return fields;
  };

  const addFields = (
    fields: Map<string, Field>,
    path: string,
    name: string,
    key: string,
    type: string,
    element: ElementDefinition,
  ): void => {
    if (type === 'Resource') fields.set(key, { name, below: 'any' });
    else if (types.get(type)?.kind === 'primitive-type') {
      const kind = path === 'Reference' && name === 'reference' ? 'reference' : KINDS[type];
      if (kind !== undefined) fields.set(key, { name, kind });
      // `_birthDate` holds the extensions of `birthDate` (R4 json.html#primitive).
      fields.set(`_${key}`, { name, below: shape('Element', elementsAt('Element')) });
    } else fields.set(key, { name, below: below(path, name, type, element) });
  };

  const below = (path: string, name: string, type: string, element: ElementDefinition): Shape => {
    if (element.contentReference !== undefined) {
      return shape(element.contentReference, elementsAt(element.contentReference));
    }
    return element.elements === undefined ? shape(type, elementsAt(type)) : shape(`${path}.${name}`, element.elements);
  };

  const elementsAt = (path: string): Elements => {
    const [type = '', ...steps] = path.split('.');
    return steps.reduce<Elements>((elements, step) => elements[step]?.elements ?? {}, types.get(type)?.elements ?? {});
  };

  return (type) => {
    const known = shapes.get(type);
    if (known !== undefined) return known;
    const definition = types.get(type);
    return definition?.kind === 'resource' ? shape(type, definition.elements) : undefined;
  };
}

function jsonNames(name: string, { choice, types }: ElementDefinition): [key: string, type: string][] {
  if (choice !== true) return [[name, types[0]?.code ?? '']];
  return types.map(({ code }) => [`${name}${code.charAt(0).toUpperCase()}${code.slice(1)}`, code]);
}
