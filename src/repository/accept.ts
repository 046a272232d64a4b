/** What a client sent becomes what can be stored: checked, without the bytes of a Binary, patched, its links rewritten. */
import { Readable } from 'node:stream';
import type { Blobs, BlobRef } from '../blob/port.js';
import type { Definitions } from '../fhir/definitions.js';
import { literalReferences } from '../fhir/links/index.js';
import type { Issue } from '../fhir/outcome.js';
import type { Operation } from '../fhir/transaction/operation.js';
import type { Resource } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { parseJson, stringify } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import { applyFhirPathPatch } from '../patch/fhirpath.js';
import { applyJsonPatch } from '../patch/json.js';
import type { Entry } from '../search/plan.js';
import type { Validator } from '../validate/validator.js';
import { storeBytes, withoutData } from './binary.js';
import type { Link } from './linking.js';
import type { Step, Work } from './operations.js';
import { refuseFaultsInTurns } from './prepare/faults.js';
import type { Made, Prepared, Task } from './prepare/prepare.js';
import { finalText, joinedText, splicedText, stamped, type Stamp } from './version.js';

export interface Accepted {
  blob?: BlobRef;
  issues: Issue[];
  /** As it is stored and found. */
  stored: (stamp: Stamp) => { text: string; entries: Entry[]; document?: object; head?: Resource };
  /** Which element refers to this resource of the server. */
  placeOf: (name: string) => string | undefined;
}

export interface AcceptParts {
  blobs: Blobs;
  definitions: Definitions;
  validator: Validator;
  extract: (resource: Resource) => Entry[];
  base: string;
  /** Makes of a large body or document, aside from the event loop, what is stored. */
  prepare: (task: Task) => Promise<Prepared>;
}

/** What a step is to store; `linked` gives a resource its final links, if they may need any. Throws what refuses it. */
export type Accept = (step: Step, linked?: Link) => Promise<Accepted>;

export function createAccept({ blobs, definitions, validator, extract, base, prepare }: AcceptParts): Accept {
  /** Bytes are stored once, however often a write is tried. */
  const stored = new WeakMap<Operation, { document: Resource; blob: BlobRef }>();
  const storedAside = new WeakMap<Made, BlobRef>();

  return async function accept(step, linked) {
    const { work, was, key } = step;
    const { operation, blob } = work;
    const prepared = operation.prepared ?? (linked === undefined ? await patchedAside(step) : undefined);
    if (prepared !== undefined) return acceptPrepared(prepared, step);
    const whole = operation.patch === undefined ? brought(work) : await patched(operation, was?.text);
    const { resource, judged } = linked?.(whole) ?? { resource: whole, judged: whole };
    // Where links stand as they will, a large one is checked and searched for its values as one that came alone.
    if (operation.isLarge === true && operation.patch === undefined && resource === judged) {
      const bytes = Buffer.from(stringify(resource));
      return acceptPrepared(await prepare({ kind: 'body', type: key.type, bytes }), step);
    }
    const issues = await refuseFaultsInTurns(validator, judged);
    if (operation.patch !== undefined && was?.blob !== undefined) return { ...of(resource), blob: was.blob, issues };
    if (blob !== undefined) return { ...of(resource), blob, issues };
    if (key.type !== 'Binary') {
      return { ...of(resource, resource === operation.resource ? operation.text : undefined), issues };
    }
    const known = stored.get(operation) ?? (await withoutData(blobs, resource));
    stored.set(operation, known);
    return { ...of(known.document), blob: known.blob, issues };
  };

  /** @param text the document as JSON, where it is known */
  function of(document: Resource, text?: string): Pick<Accepted, 'stored' | 'placeOf'> {
    return {
      stored(stamp) {
        const resource = stamped(document, stamp);
        return {
          text: splicedText(document, stamp, text) ?? finalText(resource),
          entries: extract(resource),
          document: resource,
        };
      },
      placeOf: (name) =>
        literalReferences(document, definitions, base).find(({ type, id }) => `${type}/${id}` === name)?.path,
    };
  }

  async function acceptPrepared({ refusal, made }: Prepared, { was, work }: Step): Promise<Accepted> {
    if (refusal !== undefined) throw refusal;
    assert(made !== undefined, 'What is not refused was made.');
    const { rest, entries, issues, places, head } = made;
    const blob = work.operation.patch === undefined ? await blobOf(made) : was?.blob;
    return {
      // A write that is tried again may add issues of its own.
      issues: [...issues],
      stored: (stamp) => ({ text: joinedText(rest, stamp), entries, ...(head === undefined ? {} : { head }) }),
      placeOf: (name) => places.get(name),
      ...(blob === undefined ? {} : { blob }),
    };
  }

  async function blobOf(made: Made): Promise<BlobRef | undefined> {
    if (made.binary === undefined) return undefined;
    const { contentType, bytes } = made.binary;
    const blob =
      storedAside.get(made) ??
      (await storeBytes(blobs, contentType, Readable.from(pieces(bytes), { highWaterMark: 1 }), 'binaryInJsonBytes'));
    storedAside.set(made, blob);
    return blob;
  }

  /** Undefined where nothing is patched, or what is patched is small. */
  async function patchedAside({ work: { operation }, was }: Step): Promise<Prepared | undefined> {
    const { patch } = operation;
    const text = was?.text ?? '';
    if (patch === undefined || text.length <= limits.asideBytes) return undefined;
    return prepare({
      kind: patch.kind,
      text,
      patch: stringify(patch.kind === 'json' ? patch.document : patch.parameters),
    });
  }

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

function* pieces(bytes: Uint8Array): Generator<Buffer> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < all.length; at += PIECE) yield all.subarray(at, at + PIECE);
}

const PIECE = 256 * 1024;
