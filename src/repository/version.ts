/** How a resource becomes a version: id and meta set by the server, everything else as it was written. */
import { failure } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
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
  if (Buffer.byteLength(text) > limits.resourceBytes) {
    throw failure(
      'too-large',
      `The resource has more than the ${limits.resourceBytes} bytes that one may have (limit resourceBytes).`,
      resource.resourceType,
    );
  }
  return text;
}
