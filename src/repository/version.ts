/** How a resource becomes a version: id and meta set by the server, everything else as it was written. */
import { failure } from '../fhir/outcome.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import type { Instant } from '../kit/clock.js';
import { stringify } from '../kit/json.js';
import { limits } from '../kit/limits.js';

/** What the server adds to a resource that it stores. */
export interface Stamp {
  id: string;
  version: number;
  updated: Instant;
}

/**
 * The resource as it will be read: `id`, `meta.versionId` and `meta.lastUpdated` are the server's, whatever the client
 * sent there (R4 http.html#create, #update).
 */
export function stamped(resource: Resource, stamp: Stamp): Resource {
  const { resourceType, id: _id, meta, ...elements } = resource;
  const { versionId: _versionId, lastUpdated: _lastUpdated, ...rest } = meta ?? {};
  return {
    resourceType,
    id: stamp.id,
    meta: { versionId: String(stamp.version), lastUpdated: new Date(stamp.updated).toISOString(), ...rest },
    ...elements,
  };
}

/** The final JSON, which is stored, and sent from then on without being read again. */
export function finalText(resource: Resource): string {
  const text = stringify(resource);
  refuseLarge(Buffer.byteLength(text), resource.resourceType);
  return text;
}

/**
 * The same text, made of the one that came, where all that the server does is to put its own in: what was written as
 * JSON to prove that nothing was lost need not be written once more. Undefined where `id` or `meta` came with it.
 */
export function splicedText({ resourceType, id, meta }: Resource, stamp: Stamp, text?: string): string | undefined {
  const begin = `{"resourceType":${JSON.stringify(resourceType)},`;
  if (text === undefined || id !== undefined || meta !== undefined || !text.startsWith(begin)) return undefined;
  const whole = `${headOf(resourceType, stamp)}},${text.slice(begin.length)}`;
  refuseLarge(Buffer.byteLength(whole), resourceType);
  return whole;
}

/** What of the final JSON does not depend on the stamp, and its bytes: made once, however often a write is tried. */
export interface Rest {
  type: ResourceType;
  text: string;
  bytes: number;
}

export function restOf(resource: Resource): Rest {
  const { resourceType: type } = resource;
  const stamp = { id: '', version: 0, updated: 0 };
  const whole = stringify(stamped(resource, stamp));
  const head = headOf(type, stamp);
  assert(whole.startsWith(head), 'A version begins with its stamp.');
  const text = whole.slice(head.length);
  return { type, text, bytes: Buffer.byteLength(text) };
}

/** The same text as `finalText` of the stamped resource. */
export function joinedText({ type, text, bytes }: Rest, stamp: Stamp): string {
  const head = headOf(type, stamp);
  refuseLarge(head.length + bytes, type);
  return head + text;
}

/** Up to where the client's own `meta` goes on, or ends. */
const headOf = (resourceType: ResourceType, stamp: Stamp): string =>
  JSON.stringify(stamped({ resourceType }, stamp)).slice(0, -2);

function refuseLarge(bytes: number, type: ResourceType): void {
  if (bytes <= limits.resourceBytes) return;
  throw failure(
    'too-large',
    `The resource has more than the ${limits.resourceBytes} bytes that one may have (limit resourceBytes).`,
    type,
  );
}
