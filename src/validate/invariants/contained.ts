/** Contained resources: who refers to them, and what they are called (R4 references.html#contained, dom-3, ref-1). */
import { changeLinks } from '../../fhir/links/narrative.js';
import { isObject } from '../../kit/json.js';
import type { Env } from '../../fhir/path/compiler/compiled.js';
import type { Shape, Shapes } from '../../fhir/path/compiler/shapes.js';

/** Whether a Reference leads somewhere, if it is to a contained resource; `#` alone is the one that contains. */
export function isLocalKnown(value: unknown, { root }: Env): boolean {
  const reference = isObject(value) ? value.reference : undefined;
  if (typeof reference !== 'string' || !reference.startsWith('#') || reference === '#') return true;
  return idsIn(root.value).has(reference.slice(1));
}

const known = new WeakMap<object, Set<unknown>>();

function idsIn(resource: unknown): Set<unknown> {
  if (!isObject(resource)) return new Set();
  const found = known.get(resource) ?? new Set(containedIn(resource).map(({ id }) => id));
  known.set(resource, found);
  return found;
}

const containedIn = (resource: Record<string, unknown>): Record<string, unknown>[] =>
  Array.isArray(resource.contained) ? resource.contained.filter(isObject) : [];

/** What is wrong with the contained resources, by their place in the list. In one pass: there may be thousands. */
export function containedProblems(
  resource: Record<string, unknown>,
  shape: Shape,
  shapes: Shapes,
): { index: number; say: string }[] {
  const contained = containedIn(resource);
  if (contained.length === 0) return [];
  const { contained: _contained, ...rest } = resource;
  const named = new Set<string>();
  collectLinks(rest, shape, shapes, named);
  const upward = contained.map((one) => {
    const own = new Set<string>();
    const below = shapes(String(one.resourceType));
    if (below !== undefined) collectLinks(one, below, shapes, own);
    for (const link of own) named.add(link);
    return own.has('#');
  });
  const seen = new Set<unknown>();
  return contained.flatMap(({ id }, index) => {
    const name = typeof id === 'string' ? id : '';
    const twice = name !== '' && seen.has(name);
    seen.add(name);
    if (twice) return [{ index, say: `Another contained resource has the id "${name}" too; each needs its own.` }];
    if (upward[index] === true || (name !== '' && named.has(`#${name}`))) return [];
    const lack = name === '' ? 'has no id, so that nothing can refer to it' : 'is referred to by nothing';
    const say = `This contained resource ${lack}: refer to it as "#${name || 'id'}", or leave it out (dom-3).`;
    return [{ index, say }];
  });
}

/** TABLE: types of which a value may be a link; R4 also asks References, whose link is a string. */
const linkTypes: ReadonlySet<string> = new Set(['uri', 'url', 'canonical']);

/** Adds every link that begins with `#`. */
function collectLinks(value: Record<string, unknown>, shape: Shape, shapes: Shapes, found: Set<string>): void {
  for (const key in value) {
    const child = shape.byKey.get(key) ?? (key.startsWith('_') ? besideChild(shape, key) : undefined);
    if (child === undefined) continue;
    const held = value[key];
    for (const one of Array.isArray(held) ? (held as unknown[]) : [held]) {
      if (typeof one === 'string') collectLink(one, shape, child.shape?.name ?? '', found);
      else if (isObject(one)) {
        const below = key.startsWith('_') ? shapes('Element') : (child.shape ?? shapes(String(one.resourceType)));
        if (below !== undefined) collectLinks(one, below, shapes, found);
      }
    }
  }
}

const besideChild = (shape: Shape, key: string) => shape.byKey.get(key.slice(1));

function collectLink(text: string, { name }: Shape, type: string, found: Set<string>): void {
  if (type === 'xhtml') {
    changeLinks(text, (url) => {
      if (url.startsWith('#')) found.add(url);
      return undefined;
    });
  } else if (text.startsWith('#') && (linkTypes.has(type) || (name === 'Reference' && type === 'string'))) {
    found.add(text);
  }
}
