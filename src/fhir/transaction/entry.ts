/**
 * Reads one entry of a batch or transaction. What is wrong is named by its element, with what to write instead; nothing
 * that an entry says is passed over. (R4 http.html#transaction, bundle.html)
 */
import { JsonError, parseJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';
import { failure } from '../outcome.js';
import { parseReference } from '../reference.js';
import type { Element, Resource } from '../types.js';
import { readConditions } from './conditions.js';
import type { Operation, Patch, RequestUrl, Verb } from './operation.js';
import { refuseOthers } from './properties.js';
import { readUrl, type UrlContext } from './url.js';

/** TABLE: what a method's entry has as its resource. */
const BODIES = {
  GET: 'none',
  HEAD: 'none',
  DELETE: 'none',
  POST: 'resource',
  PUT: 'resource',
  PATCH: 'patch',
} as const satisfies Record<Verb, string>;

/**
 * Throws a FhirError for what cannot be done as it is written.
 * @param bytes of the entry as it came
 */
export function readEntry(entry: Element, index: number, bytes: number, context: UrlContext): Operation {
  const at = `Bundle.entry[${index}]`;
  refuseOthers(entry, 'Bundle.entry', at, context.definitions);
  const request = objectAt(entry, 'request', at, 'say there what to do: {"method": "POST", "url": "Patient"}');
  refuseOthers(request, 'Bundle.entry.request', `${at}.request`, context.definitions);
  const method = methodOf(request, at);
  if (typeof request.url !== 'string' || request.url === '') {
    throw failure('invalid', 'A request has a url, such as Patient or Patient/1.', `${at}.request.url`);
  }
  const url = readUrl(method, request.url, context, `${at}.request.url`);
  const conditions = readConditions(request, method, `${at}.request`);
  if (bytes > limits.entryBytes && (url.type !== 'Binary' || method === 'PATCH')) {
    const say = `An entry has at most ${limits.entryBytes} bytes (limit entryBytes), unless it brings a Binary.`;
    throw failure('too-large', say, `${at}.resource`);
  }
  const content = contentOf(entry, method, url, at);
  const fullUrl = fullUrlOf(entry, content.resource, at);
  const large = bytes > limits.asideBytes ? { isLarge: true as const } : {};
  return { index, method, ...url, ...conditions, ...content, ...large, ...(fullUrl === undefined ? {} : { fullUrl }) };
}

function methodOf({ method }: Element, at: string): Verb {
  const known = typeof method === 'string' && Object.hasOwn(BODIES, method);
  if (known) return method as Verb;
  throw failure('value', `The method is one of ${Object.keys(BODIES).join(', ')}.`, `${at}.request.method`);
}

type Content = Pick<Operation, 'resource' | 'patch'>;

function contentOf(entry: Element, method: Verb, url: RequestUrl, at: string): Content {
  const body = BODIES[method];
  if (body === 'none') {
    if (entry.resource === undefined) return {};
    throw failure('invalid', `${method} takes no resource; leave it out.`, `${at}.resource`);
  }
  const fix = body === 'patch' ? 'bring the patch as Binary or Parameters' : `bring the ${url.type ?? 'resource'}`;
  const resource = objectAt(entry, 'resource', at, fix);
  if (typeof resource.resourceType !== 'string') {
    throw failure('malformed', `The resource has no resourceType; ${fix}.`, `${at}.resource.resourceType`);
  }
  if (body === 'patch') return { patch: patchOf(resource as Resource, at) };
  const { resourceType: type, id } = resource;
  if (type !== url.type) {
    const say = `The resource is a ${type.slice(0, 60)}, the url says ${url.type ?? ''}; both must agree.`;
    throw failure('invalid', say, `${at}.request.url`);
  }
  if (url.id !== undefined && id !== url.id) {
    const found = id === undefined ? 'has no id' : `has the id ${shown(id)}`;
    throw failure('invalid', `The resource ${found}, the url says ${url.id}; both must agree.`, `${at}.resource.id`);
  }
  return { resource: resource as Resource };
}

/** R4 http.html#patch: JSON Patch is the data of a Binary, FHIRPath Patch is Parameters. */
function patchOf(resource: Resource, at: string): Patch {
  if (resource.resourceType === 'Parameters') return { kind: 'fhirpath', parameters: resource };
  if (resource.resourceType !== 'Binary') {
    const say = 'A patch is a Binary with a JSON Patch, or Parameters with a FHIRPath Patch.';
    throw failure('invalid', say, `${at}.resource.resourceType`);
  }
  const type = typeof resource.contentType === 'string' ? resource.contentType.split(';')[0]?.trim().toLowerCase() : '';
  if (type !== JSON_PATCH) {
    throw failure(
      'not-supported',
      `The Binary of a patch has the contentType ${JSON_PATCH}.`,
      `${at}.resource.contentType`,
    );
  }
  const { data } = resource;
  const packed = typeof data === 'string' ? data.replace(/\s+/g, '') : '';
  const document = Buffer.from(packed, 'base64');
  if (document.length === 0 || document.toString('base64') !== packed) {
    throw failure('value', 'The data is the JSON Patch in base64.', `${at}.resource.data`);
  }
  try {
    return { kind: 'json', document: parseJson(document, limits.depth) };
  } catch (error) {
    if (error instanceof JsonError) throw failure('malformed', error.message, `${at}.resource.data`);
    throw error;
  }
}

const JSON_PATCH = 'application/json-patch+json';

/** R4 bundle.html#bundle-unique, bdl-8: an absolute URL or urn without a version, that agrees with the resource. */
function fullUrlOf({ fullUrl }: Element, resource: Resource | undefined, at: string): string | undefined {
  if (fullUrl === undefined) return undefined;
  const path = `${at}.fullUrl`;
  const parsed = typeof fullUrl === 'string' ? parseReference(fullUrl) : undefined;
  const absolute = parsed?.kind === 'uri' || (parsed?.kind === 'resource' && parsed.base !== undefined);
  if (typeof fullUrl !== 'string' || !absolute || /[\s#]/.test(fullUrl)) {
    throw failure('value', 'A fullUrl is urn:uuid:…, urn:oid:… or an absolute URL; or leave it out.', path);
  }
  if (parsed.kind === 'uri') return fullUrl;
  if (parsed.version !== undefined) {
    throw failure('value', 'A fullUrl names no version; leave out /_history and what follows.', path);
  }
  const { resourceType = parsed.type, id = parsed.id }: Element = resource ?? {};
  if (resourceType === parsed.type && id === parsed.id) return fullUrl;
  const say = `The fullUrl ends in ${parsed.type}/${parsed.id}, the resource is ${shown(resourceType)}/${shown(id)}`;
  throw failure('invalid', `${say}; both must agree, or the fullUrl be a urn:uuid.`, path);
}

function objectAt(parent: Element, name: string, at: string, fix: string): Element {
  const value = parent[name];
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Element;
  const found = value === undefined ? 'There is no' : 'This is no object as';
  throw failure('invalid', `${found} ${name}; ${fix}.`, `${at}.${name}`);
}

/** Whatever the client sent. */
const shown = (value: unknown): string => (typeof value === 'string' ? value.slice(0, 64) : typeof value);
