/**
 * The links of a resource: rewritten in a transaction, checked against what is there at every write. The walk over the
 * resource is the same for all; R4's definitions tell it where to look.
 */
import type { Definitions } from '../definitions.js';
import { parseReference } from '../reference.js';
import type { Resource, ResourceType } from '../types.js';
import { shapesOf, type LinkKind } from './shapes.js';
import { walkLinks } from './walk.js';

export type { LinkKind } from './shapes.js';

/** What a link is to become; undefined leaves it. */
export type LinkMap = (url: string, kind: LinkKind) => string | undefined;

export interface Link {
  /** As it is written; in a narrative, with its entities undone. */
  url: string;
  kind: LinkKind;
  /** The element that holds it, as `Task.input[0].value.reference`. */
  path: string;
}

/** Every text that may be a link: elements of type Reference, uri, url, oid and uuid, and narratives' href and src. */
export function* referencesIn(resource: Resource, definitions: Definitions): Generator<Link> {
  yield* linksOf(resource, definitions, () => true);
}

/** The resource with the links that `map` knows replaced; the same object when there are none. */
export function rewrite(resource: Resource, definitions: Definitions, map: LinkMap): Resource {
  return walkLinks(resource, shapesOf(definitions), (url, kind) => map(url, kind));
}

/** A reference to a resource of this server. */
export interface LocalReference {
  type: ResourceType;
  id: string;
  version?: string;
  path: string;
}

/** The References that this server must be able to follow: `Type/id`, and URLs under its own base. */
export function literalReferences(resource: Resource, definitions: Definitions, base: string): LocalReference[] {
  const found: LocalReference[] = [];
  walkLinks(resource, shapesOf(definitions), (url, kind, path) => {
    if (kind !== 'reference') return undefined;
    const parsed = parseReference(url, base);
    if (parsed?.kind === 'resource' && parsed.base === undefined) {
      const { type, id, version } = parsed;
      found.push({ type, id, ...(version === undefined ? {} : { version }), path: path() });
    }
    return undefined;
  });
  return found;
}

/** The resources of this server that References lead to, and the Binaries that any link does; as `Type/id`, each once. */
export function linkedTo(
  resource: Resource,
  definitions: Definitions,
  base: string,
): { refers: Set<string>; shows: Set<string> } {
  const [refers, shows] = [new Set<string>(), new Set<string>()];
  walkLinks(resource, shapesOf(definitions), (url, kind) => {
    if (kind !== 'reference' && !url.includes('Binary/')) return undefined;
    const parsed = parseReference(url, base);
    if (parsed?.kind === 'resource' && parsed.base === undefined) {
      const name = `${parsed.type}/${parsed.id}`;
      if (kind === 'reference') refers.add(name);
      if (parsed.type === 'Binary') shows.add(name);
    }
    return undefined;
  });
  return { refers, shows };
}

/** A Reference by search: `Patient?identifier=…` (R4 http.html#trules). */
export interface ConditionalReference {
  /** As it is written: what `rewrite` replaces when it is found. */
  url: string;
  type: ResourceType;
  query: string;
  path: string;
}

export function conditionalReferences(resource: Resource, definitions: Definitions): ConditionalReference[] {
  return linksOf(resource, definitions, (url, kind) => kind === 'reference' && CONDITIONAL.test(url)).map(
    ({ url, path }) => {
      const mark = url.indexOf('?');
      return { url, type: url.slice(0, mark), query: url.slice(mark + 1), path };
    },
  );
}

const CONDITIONAL = /^[A-Z][A-Za-z]{1,63}\?\S/;

/** References by `urn:uuid` or `urn:oid` that no entry of the Bundle explains: nobody could ever follow them. */
export function unresolvedReferences(resource: Resource, definitions: Definitions, map: LinkMap): Link[] {
  return linksOf(
    resource,
    definitions,
    (url, kind) => kind === 'reference' && LOCAL_URN.test(url) && map(url, kind) === undefined,
  );
}

const LOCAL_URN = /^urn:(?:uuid|oid):/i;

function linksOf(
  resource: Resource,
  definitions: Definitions,
  wanted: (url: string, kind: LinkKind) => boolean,
): Link[] {
  const found: Link[] = [];
  walkLinks(resource, shapesOf(definitions), (url, kind, path) => {
    if (wanted(url, kind)) found.push({ url, kind, path: path() });
    return undefined;
  });
  return found;
}
