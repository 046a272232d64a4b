/**
 * Parts of a resource: `_summary` and `_elements`. What is mandatory stays, and a tag says that something may be
 * missing, so that nobody writes the part back as if it were the whole. (R4 search.html#summary, search.html#elements)
 */
import { parseJson, stringify } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import type { Definitions, ElementDefinition } from './definitions.js';
import { failure } from './outcome.js';
import type { Element, Meta, ResourceType } from './types.js';

export type Subset =
  | { kind: 'true' | 'text' | 'data' }
  /** The total alone; of a single resource nothing would be left. */
  | { kind: 'count' }
  | { kind: 'elements'; names: ReadonlySet<string> };

/** The value of `_summary`; undefined for `false`, the whole. */
export function summaryNamed(raw: string): Subset | undefined {
  if (raw === 'false') return undefined;
  if (raw === 'true' || raw === 'text' || raw === 'data' || raw === 'count') return { kind: raw };
  throw failure('value', `_summary is true, text, data, count or false, not '${raw.slice(0, 40)}'.`, 'http._summary');
}

/** The value of `_elements`: names of elements at the top of a resource of one of these types. */
export function elementsNamed(raw: string, types: readonly ResourceType[], definitions: Definitions): Subset {
  const names = raw.split(',', MOST + 1);
  if (names.length > MOST) throw failure('too-costly', `_elements names at most ${MOST} elements.`, 'http._elements');
  for (const name of names) {
    if (types.some((type) => Object.hasOwn(definitions.types.get(type)?.elements ?? {}, name))) continue;
    const where = types.length === 1 ? ` of ${types[0] ?? ''}` : '';
    const why = `_elements: '${name.slice(0, 60)}' is no element at the top${where}; name elements such as id,status.`;
    throw failure('value', why, 'http._elements');
  }
  return { kind: 'elements', names: new Set(names) };
}

const MOST = 100;

/** The resource's JSON with the subset alone; numbers keep their digits. */
export function subsetOf(text: string, subset: Subset, definitions: Definitions): string {
  const resource = parseJson(text, limits.depth) as Element;
  const type = definitions.types.get(String(resource.resourceType));
  if (type === undefined) return text;
  const kept = pick(resource, type.elements, (name, element, value) => {
    if (ALWAYS.has(name)) return value;
    if (subset.kind === 'true') return summarized(value, element, definitions);
    if (element.min > 0) return value;
    if (subset.kind === 'data') return name === 'text' ? undefined : value;
    if (subset.kind === 'text') return name === 'text' ? value : undefined;
    return subset.kind === 'elements' && subset.names.has(name) ? value : undefined;
  });
  return stringify({ resourceType: resource.resourceType, ...kept, meta: tagged(resource.meta as Meta | undefined) });
}

const ALWAYS: ReadonlySet<string> = new Set(['id', 'meta']);

type Keep = (name: string, element: ElementDefinition, value: unknown) => unknown;

/** A copy with the members that are kept, and with the extensions of those that are primitives. */
function pick(from: Element, elements: Readonly<Record<string, ElementDefinition>>, keep: Keep): Element {
  // Spreading carries the digits of numbers over.
  const kept: Element = { ...from };
  for (const key of Object.keys(kept)) {
    const found = definitionOf(key.startsWith('_') ? key.slice(1) : key, elements);
    const value = found && keep(found.name, found.element, kept[key]);
    if (value === undefined) Reflect.deleteProperty(kept, key);
    else kept[key] = value;
  }
  return kept;
}

/** `valueQuantity` is the element `value`, of the type that its name ends in. */
function definitionOf(key: string, elements: Readonly<Record<string, ElementDefinition>>) {
  const element = Object.hasOwn(elements, key) ? elements[key] : undefined;
  if (element !== undefined) return { name: key, element };
  for (const [name, choice] of Object.entries(elements)) {
    if (choice.choice !== true || !key.startsWith(name)) continue;
    const types = choice.types.filter(({ code }) => key === name + code.charAt(0).toUpperCase() + code.slice(1));
    if (types.length > 0) return { name, element: { ...choice, types } };
  }
  return undefined;
}

/** What of an element is marked as part of the summary, and what is mandatory in that; undefined for nothing. */
function summarized(value: unknown, element: ElementDefinition, definitions: Definitions): unknown {
  if (element.summary !== true && element.min === 0) return undefined;
  if (typeof value !== 'object' || value === null) return value;
  const [first] = element.types;
  const elements = element.elements ?? definitions.types.get(first?.code ?? '')?.elements;
  // A contained resource, or one in a Bundle, and an extension's content are kept whole.
  if (elements === undefined || first === undefined || WHOLE.has(first.code)) return value;
  const inner = (one: unknown): unknown =>
    typeof one === 'object' && one !== null && !Array.isArray(one)
      ? pick(one as Element, elements, (_, child, found) => summarized(found, child, definitions))
      : one;
  if (!Array.isArray(value)) return some(inner(value), value);
  return value.map((one) => some(inner(one), one));
}

const WHOLE: ReadonlySet<string> = new Set(['Resource', 'Extension', 'Narrative', 'Meta', 'xhtml']);

/** R4 has no empty objects: where nothing is marked below an element that is, all of it belongs to the summary. */
const some = (picked: unknown, whole: unknown): unknown =>
  typeof picked === 'object' && picked !== null && Object.keys(picked).length === 0 ? whole : picked;

function tagged(meta: Meta = {}): Meta {
  const tags = Array.isArray(meta.tag) ? (meta.tag as unknown[]) : [];
  return { ...meta, tag: [...tags, SUBSETTED] };
}

const SUBSETTED = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED' };
