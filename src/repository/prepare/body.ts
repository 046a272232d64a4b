/** The body of a create or update, read as a resource of the type that its URL names. */
import { failure } from '../../fhir/outcome.js';
import type { Resource, ResourceType } from '../../fhir/types.js';
import { readJson } from '../../kit/json.js';
import { limits } from '../../kit/limits.js';

/** Throws a JsonError with the place of what cannot be read, and 400 for what is no such resource. */
export const readResource = (bytes: Uint8Array, type: ResourceType): Resource => readBody(bytes, type).resource;

/** The same, with its text where that is the one that would be made of it. */
export function readBody(bytes: Uint8Array, type: ResourceType): { resource: Resource; text?: string } {
  const { value, text } = readJson(bytes, limits.depth);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw failure('malformed', `The body is ${kindOf(value)}; a JSON object with resourceType "${type}" was expected.`);
  }
  const { resourceType } = value as Partial<Resource>;
  if (typeof resourceType !== 'string') {
    throw failure('malformed', `The body has no resourceType; "${type}" was expected.`, 'resourceType');
  }
  if (resourceType !== type) {
    throw failure(
      'invalid',
      `The resourceType is ${resourceType.slice(0, 60)}, but the URL says ${type}. Send it to its own type's URL.`,
      'resourceType',
    );
  }
  return { resource: value as Resource, ...(text === undefined ? {} : { text }) };
}

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'an array' : `a ${typeof value}`;
