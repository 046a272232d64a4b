/** What a client sent becomes what can be stored: checked, without the bytes of a Binary, patched, its links rewritten. */
import type { Blobs, BlobRef } from '../blob/port.js';
import type { Definitions } from '../fhir/definitions.js';
import { failure, FhirError, type Issue } from '../fhir/outcome.js';
import type { Operation } from '../fhir/transaction/operation.js';
import type { Resource } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { parseJson } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import { applyFhirPathPatch } from '../patch/fhirpath.js';
import { applyJsonPatch } from '../patch/json.js';
import type { Validator } from '../validate/validator.js';
import { withoutData } from './binary.js';
import type { Step, Work } from './operations.js';

export interface Accepted {
  document: Resource;
  blob?: BlobRef;
  issues: Issue[];
}

export interface AcceptParts {
  blobs: Blobs;
  definitions: Definitions;
  validator: Validator;
}

/** What a step is to store; `linked` gives a resource its final links. Throws what refuses it. */
export type Accept = (step: Step, linked: (resource: Resource) => Resource) => Promise<Accepted>;

export function createAccept({ blobs, definitions, validator }: AcceptParts): Accept {
  /** Bytes are stored once, however often a write is tried. */
  const stored = new WeakMap<Operation, { document: Resource; blob: BlobRef }>();

  return async function accept({ work, was, key }, linked) {
    const { operation, blob } = work;
    const resource = linked(operation.patch === undefined ? brought(work) : await patched(operation, was?.text));
    const issues = refuseErrors(validator.validate(resource));
    refuseSubset(resource);
    if (operation.patch !== undefined && was?.blob !== undefined) return { document: resource, blob: was.blob, issues };
    if (blob !== undefined) return { document: resource, blob, issues };
    if (key.type !== 'Binary') return { document: resource, issues };
    const known = stored.get(operation) ?? (await withoutData(blobs, resource));
    stored.set(operation, known);
    return { ...known, issues };
  };

  async function patched({ patch }: Operation, text: string | undefined): Promise<Resource> {
    assert(patch !== undefined && text !== undefined, 'What is patched was read before.');
    const resource = parseJson(text, limits.depth) as Resource;
    return patch.kind === 'json'
      ? applyJsonPatch(resource, patch.document)
      : applyFhirPathPatch(definitions, resource, patch.parameters);
  }
}

function brought({ operation: { resource } }: Work): Resource {
  assert(resource !== undefined, 'A create and an update bring a resource.');
  return resource;
}

export function refuseErrors(issues: Issue[]): Issue[] {
  if (issues.some((issue) => issue.severity === 'error' || issue.severity === 'fatal')) {
    throw new FhirError('invalid', issues);
  }
  return issues;
}

/** A part that is written back as the whole would erase the rest (R4 search.html#summary). */
function refuseSubset(resource: Resource): void {
  const tags = (resource.meta?.tag ?? []) as { code?: string }[];
  if (!tags.some(({ code }) => code === 'SUBSETTED')) return;
  const say = 'This is tagged SUBSETTED: a part of a resource. Read the whole before you change it.';
  throw failure('invalid', say, `${resource.resourceType}.meta.tag`);
}
