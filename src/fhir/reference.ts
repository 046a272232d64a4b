/** Reads and prints references and canonicals. (R4 references.html) */
import type { Element, ResourceType } from './types.js';

export type ParsedReference =
  /** A resource of this server, or, with a `base`, of another. */
  | { kind: 'resource'; type: ResourceType; id: string; version?: string; base?: string }
  | { kind: 'contained'; id: string }
  /** `urn:uuid:…`, `urn:oid:…` and every other absolute URI that does not end in `Type/id`. */
  | { kind: 'uri'; uri: string };

/** Undefined when the text is neither relative `Type/id`, nor `#id`, nor an absolute URI. */
export function parseReference(text: string, ownBase?: string): ParsedReference | undefined {
  if (text.startsWith('#')) return { kind: 'contained', id: text.slice(1) };
  const local = RELATIVE.exec((ownBase !== undefined ? belowBase(text, ownBase) : undefined) ?? text);
  if (local !== null) return resourceOf(local);
  if (!ABSOLUTE.test(text)) return undefined;
  const split = WEB.test(text) ? lastSegments(text) : undefined;
  const foreign = split === undefined ? null : RELATIVE.exec(split.relative);
  if (split === undefined || foreign === null) return { kind: 'uri', uri: text };
  return { ...resourceOf(foreign), base: split.base };
}

/** What follows our own base; a server on a loopback address is known by all names that such an address has. */
export function belowBase(text: string, base: string): string | undefined {
  if (!WEB.test(text)) return undefined;
  if (text.startsWith(`${base}/`)) return text.slice(base.length + 1);
  const named = LOOPBACK.exec(base);
  const asked = LOOPBACK.exec(text);
  if (named === null || asked === null) return undefined;
  const [rest, path] = [text.slice(asked[0].length), base.slice(named[0].length)];
  return asked[1] === named[1] && rest.startsWith(`${path}/`) ? rest.slice(path.length + 1) : undefined;
}

const LOOPBACK = /^(https?:\/\/)(?:localhost|127\.0\.0\.1|\[::1\])(?=[:/])/i;

export function printReference(reference: ParsedReference): string {
  if (reference.kind === 'contained') return `#${reference.id}`;
  if (reference.kind === 'uri') return reference.uri;
  const base = reference.base === undefined ? '' : `${reference.base}/`;
  const version = reference.version === undefined ? '' : `/_history/${reference.version}`;
  return `${base}${reference.type}/${reference.id}${version}`;
}

export const isId = (text: string): boolean => ID.test(text);

/** The type of resource that a Reference points at, as far as its own text says; contained ones do not. */
export function referencedType(reference: Element): ResourceType | undefined {
  if (typeof reference.reference === 'string') {
    const parsed = parseReference(reference.reference);
    if (parsed?.kind === 'resource') return parsed.type;
  }
  return typeof reference.type === 'string' ? reference.type : undefined;
}

export interface Canonical {
  url: string;
  version?: string;
  fragment?: string;
}

/** `url|version#fragment`, the last two optional. (R4 references.html#canonical) */
export function parseCanonical(text: string): Canonical {
  const hash = text.indexOf('#');
  const whole = hash < 0 ? text : text.slice(0, hash);
  const bar = whole.indexOf('|');
  const canonical: Canonical = { url: bar < 0 ? whole : whole.slice(0, bar) };
  if (bar >= 0 && bar < whole.length - 1) canonical.version = whole.slice(bar + 1);
  if (hash >= 0) canonical.fragment = text.slice(hash + 1);
  return canonical;
}

export function printCanonical({ url, version, fragment }: Canonical): string {
  return `${url}${version === undefined ? '' : `|${version}`}${fragment === undefined ? '' : `#${fragment}`}`;
}

const ID = /^[A-Za-z0-9.-]{1,64}$/;
const RELATIVE = /^([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/([A-Za-z0-9.-]{1,64}))?$/;
const ABSOLUTE = /^[A-Za-z][A-Za-z0-9+.-]{0,31}:\S/;
const WEB = /^https?:\/\//i;

function resourceOf([, type = '', id = '', version]: RegExpExecArray) {
  return { kind: 'resource' as const, type, id, ...(version === undefined ? {} : { version }) };
}

/** Splits an URL before its last `Type/id`, so that the base is whatever stands before it. */
function lastSegments(url: string): { base: string; relative: string } | undefined {
  const history = url.lastIndexOf('/_history/');
  const id = url.lastIndexOf('/', history < 0 ? undefined : history - 1);
  const type = id < 1 ? -1 : url.lastIndexOf('/', id - 1);
  return type < 0 ? undefined : { base: url.slice(0, type), relative: url.slice(type + 1) };
}
