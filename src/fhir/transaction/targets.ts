/**
 * What the links of a Bundle's entries become: each fullUrl stands for the resource that its entry writes
 * (R4 bundle.html#references, http.html#trules).
 */
import type { LinkMap } from '../links/index.js';
import { parseReference } from '../reference.js';
import type { Resource } from '../types.js';

export interface Target {
  fullUrl: string;
  /** Where its resource is stored: `Patient/123`. */
  local: string;
  /** The version that this transaction writes; a link to a version of the resource becomes one to this version. */
  version: string | number;
  /** What the entry brings. */
  resource?: Resource;
}

export interface Targets {
  /** How the links are read that stand in the entry with this fullUrl; a relative one belongs to its root. */
  mapFor(fullUrl: string | undefined): LinkMap;
}

export function createTargets(targets: Iterable<Target>): Targets {
  const byUrl = new Map<string, Target>();
  for (const target of targets) byUrl.set(target.fullUrl, target);

  const resolve = (url: string, root: string | undefined): string | undefined => {
    const target = byUrl.get(url) ?? (root === undefined || ABSOLUTE.test(url) ? undefined : byUrl.get(root + url));
    if (target !== undefined) return target.local;
    // Versions may be made up by the client: those of the Bundle are all assigned anew (R4 http.html#trules).
    const mark = url.lastIndexOf(HISTORY);
    if (mark < 1) return undefined;
    const resource = url.slice(0, mark);
    const versioned = byUrl.get(resource) ?? (root === undefined ? undefined : byUrl.get(root + resource));
    return versioned && `${versioned.local}${HISTORY}${versioned.version}`;
  };

  return {
    mapFor(fullUrl) {
      const root = rootOf(fullUrl);
      return (url, kind) => {
        const hash = url.indexOf('#');
        if (hash === 0) return undefined;
        const whole = hash < 0 ? url : url.slice(0, hash);
        if (kind !== 'reference' && kind !== 'narrative' && isName(byUrl.get(whole))) return undefined;
        const local = resolve(whole, root);
        return local === undefined || hash < 0 ? local : local + url.slice(hash);
      };
    },
  };
}

const HISTORY = '/_history/';
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:/;

/**
 * A StructureDefinition or CodeSystem often travels under its canonical URL. Where that stands as the url of an
 * extension, the system of a code, or its own url, it is a name and no link: rewritten, it would name nothing.
 */
const isName = (target: Target | undefined): boolean => target !== undefined && target.resource?.url === target.fullUrl;

/** `http://example.org/fhir/` of `http://example.org/fhir/Patient/1`; undefined of what is not RESTful. */
function rootOf(fullUrl: string | undefined): string | undefined {
  const parsed = fullUrl === undefined ? undefined : parseReference(fullUrl);
  return parsed?.kind === 'resource' && parsed.base !== undefined ? `${parsed.base}/` : undefined;
}
