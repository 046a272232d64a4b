/** How the generated files of `conformance/r4/` become types: defaults filled in, inherited elements added, frozen. */
import { assert } from '../kit/assert.js';
import type { ElementDefinition, TypeDefinition, TypeReference } from './definitions.js';

/** One element as elements.json has it (see conformance/r4/README.md). */
interface WrittenElement {
  min?: number;
  max?: number | '*';
  choice?: boolean;
  types?: string[];
  contentReference?: string;
  requiredValueSet?: string;
  summary?: boolean;
  modifier?: boolean;
  elements?: Record<string, WrittenElement>;
}

export interface WrittenType {
  kind: TypeDefinition['kind'];
  abstract?: boolean;
  base?: string;
  url: string;
  elements: Record<string, WrittenElement>;
}

type Elements = Readonly<Record<string, ElementDefinition>>;

export function typesOf(written: Record<string, WrittenType>): ReadonlyMap<string, TypeDefinition> {
  const types = new Map<string, TypeDefinition>();
  const references = new Map<string, readonly TypeReference[]>();

  const typeOf = (name: string): TypeDefinition => {
    const known = types.get(name);
    if (known) return known;
    const type = written[name];
    assert(type, `elements.json has no type ${name}`);
    const inherited = type.base === undefined ? {} : typeOf(type.base).elements;
    const result: TypeDefinition = Object.freeze({
      ...type,
      name,
      abstract: type.abstract ?? false,
      elements: childrenOf(inherited, type.elements),
    });
    types.set(name, result);
    return result;
  };

  const childrenOf = (inherited: Elements, own: Record<string, WrittenElement>): Elements => {
    const children: Record<string, ElementDefinition> = { ...inherited };
    for (const [name, element] of Object.entries(own)) children[name] = elementOf(element);
    return Object.freeze(children);
  };

  const elementOf = (element: WrittenElement): ElementDefinition => {
    const { min = 0, max = 1, types: names = [], elements } = element;
    const [first] = names;
    const result: ElementDefinition = { min, max: max === '*' ? Infinity : max, types: referencesOf(names) };
    if (element.choice) result.choice = true;
    if (element.contentReference !== undefined) result.contentReference = element.contentReference;
    if (element.requiredValueSet !== undefined) result.requiredValueSet = element.requiredValueSet;
    if (element.summary) result.summary = true;
    if (element.modifier) result.modifier = true;
    if (elements && first !== undefined) result.elements = childrenOf(typeOf(first).elements, elements);
    return Object.freeze(result);
  };

  /** Elements of the same types share one list: there are thousands of elements and few hundred lists. */
  const referencesOf = (names: string[]): readonly TypeReference[] => {
    const key = names.join();
    const known = references.get(key);
    if (known) return known;
    const list = Object.freeze(names.map(referenceOf));
    references.set(key, list);
    return list;
  };

  for (const name of Object.keys(written)) typeOf(name);
  return types;
}

function referenceOf(text: string): TypeReference {
  const [code = '', targets] = text.split(/[()]/, 2);
  return Object.freeze(targets === undefined ? { code } : { code, targets: Object.freeze(targets.split('|')) });
}
