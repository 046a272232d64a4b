/**
 * THE one door: every read and write of a resource passes here, with the caller's Call. Access, validation, search
 * values and versions cannot be forgotten, because there is no other way to the store.
 */
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { reachOf, type Call } from '../access/principal.js';
import type { BlobRef, Blobs } from '../blob/port.js';
import { failure, FhirError, type Issue } from '../fhir/outcome.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import type { Clock } from '../kit/clock.js';
import { timeOrderedId } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Entry } from '../search/plan.js';
import { StoreError } from '../store/port.js';
import type { Change, Found, HistoryScope, Key, Method, Page, PageRequest, Store, Version } from '../store/port.js';
import type { Validator } from '../validate/validator.js';
import { inBundle, jsonForm, openBytes, refuseOddContext, storeBytes, withoutData, type JsonForm } from './binary.js';
import { demand, type Conditions } from './conditions.js';
import { asked, isStoreFailure, tellStoreFailure } from './failures.js';
import { createSearch, type SearchDoor } from './search.js';
import { finalText, stamped } from './version.js';

export interface RepositoryParts {
  store: Store;
  blobs: Blobs;
  clock: Clock;
  validator: Validator;
  extract: (resource: Resource) => Entry[];
}

/** What a write did. */
export interface Written {
  version: Version;
  /** False when a resource of this id was there before. */
  created: boolean;
  /** What the checks found that does not forbid the write. */
  issues: Issue[];
}

export interface Repository extends SearchDoor {
  /** The current version. Throws 404 when there is none, 410 when it was deleted. */
  read(call: Call, key: Key): Promise<Found>;
  /** One version. Throws 404 when there is none, 410 when it is a deletion. */
  vread(call: Call, key: Key, version: number): Promise<Version>;
  /** Newest first; 404 for a resource that never was. */
  history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>>;
  /** Stores a new resource under an id of the server's. */
  create(call: Call, resource: Resource): Promise<Written>;
  /** Replaces a resource, or stores it under the id that the client chose. */
  update(call: Call, key: Key, resource: Resource, conditions: Conditions): Promise<Written>;
  /** Undefined when there was nothing to delete. */
  delete(call: Call, key: Key, conditions: Conditions): Promise<Version | undefined>;
  /** Stores raw bytes as a Binary: a new one, or that of the key. */
  writeBytes(call: Call, upload: Upload, key?: Key, conditions?: Conditions): Promise<Written>;
  /** The bytes of a Binary that was read. */
  bytes(version: Version, range?: { start: number; end: number }): Promise<Readable>;
  /** A Binary as JSON, with its data; `layout` may indent. */
  binaryAsJson(version: Version, layout: (json: string) => string): JsonForm;
  /** The JSON of a version as it stands in a Bundle. */
  textInBundle(version: Version): Promise<string>;
}

export interface Upload {
  contentType: string;
  /** `X-Security-Context`: what the Binary's access follows (R4 binary.html#security). */
  securityContext?: string;
  bytes: Readable;
}

export function createRepository(parts: RepositoryParts): Repository {
  const { store, blobs, clock, validator, extract } = parts;

  async function read(call: Call, key: Key): Promise<Found> {
    const [found] = await asked(store.read([key], reachOf(call)));
    return present(found, nameOf(key));
  }

  async function vread(call: Call, key: Key, version: number): Promise<Version> {
    const found = await asked(store.version(key, version, reachOf(call)));
    return present(found, `${nameOf(key)}/_history/${version}`);
  }

  async function history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>> {
    const found = await asked(store.history(scope, { bytes: limits.bundleBytes, ...page }, reachOf(call)));
    if (scope.type !== undefined && scope.id !== undefined && found.items.length === 0 && page.after === undefined) {
      const [known] = await asked(store.read([{ type: scope.type, id: scope.id }], reachOf(call)));
      if (known === undefined) throw failure('not-found', `There is no ${scope.type}/${scope.id}, and never was.`);
    }
    return found;
  }

  async function create(call: Call, resource: Resource): Promise<Written> {
    const { document, blob, issues } = await accepted(resource);
    const key = { type: resource.resourceType, id: timeOrderedId(clock.now()) };
    const version = await commit(call, key, undefined, 'POST', document, blob);
    return { version, created: true, issues };
  }

  async function update(call: Call, key: Key, resource: Resource, conditions: Conditions): Promise<Written> {
    if (resource.id !== key.id) {
      const found = resource.id === undefined ? 'has no id' : `has the id ${resource.id}`;
      throw failure(
        'invalid',
        `The resource ${found}; the URL says ${nameOf(key)}. Both must agree.`,
        `${key.type}.id`,
      );
    }
    const { document, blob, issues } = await accepted(resource);
    return replace(call, key, conditions, document, blob, issues);
  }

  async function writeBytes(call: Call, upload: Upload, key?: Key, conditions: Conditions = {}): Promise<Written> {
    refuseOddContext(upload.securityContext);
    const document: Resource = {
      resourceType: 'Binary',
      contentType: upload.contentType,
      ...(upload.securityContext === undefined ? {} : { securityContext: { reference: upload.securityContext } }),
    };
    refuseErrors(validator.validate(document));
    if (key !== undefined) {
      // A write that is refused anyway should not leave its bytes behind.
      const [was] = await asked(store.read([key], reachOf(call)));
      demand(conditions, was, nameOf(key));
    }
    const blob = await storeBytes(blobs, document, upload.bytes);
    if (key !== undefined) return replace(call, key, conditions, document, blob, []);
    const created = { type: 'Binary', id: timeOrderedId(clock.now()) };
    return { version: await commit(call, created, undefined, 'POST', document, blob), created: true, issues: [] };
  }

  /** Writes over what is current, as often as other writers come first, unless the client named the version. */
  async function replace(
    call: Call,
    key: Key,
    conditions: Conditions,
    document: Resource,
    blob: BlobRef | undefined,
    issues: Issue[],
  ): Promise<Written> {
    return overCurrent(call, key, conditions, async (was) => {
      const version = await commit(call, key, was, 'PUT', document, blob);
      return { version, created: was?.text === undefined, issues };
    });
  }

  async function remove(call: Call, key: Key, conditions: Conditions): Promise<Version | undefined> {
    return overCurrent(call, key, conditions, async (was) =>
      was?.text === undefined ? undefined : commit(call, key, was, 'DELETE', undefined, undefined),
    );
  }

  async function overCurrent<T>(
    call: Call,
    key: Key,
    conditions: Conditions,
    write: (was: Found | undefined) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      const [was] = await asked(store.read([key], reachOf(call)));
      demand(conditions, was, nameOf(key));
      try {
        return await write(was);
      } catch (error) {
        // With If-Match the next round finds another version and says 412.
        if (isStoreFailure(error, 'conflict') && attempt < limits.writeAttempts) {
          // Those who met do not meet again.
          await pause(Math.random() * attempt);
          continue;
        }
        throw error instanceof StoreError ? tellStoreFailure(error) : error;
      }
    }
  }

  async function commit(
    call: Call,
    key: Key,
    was: Found | undefined,
    method: Method,
    document: Resource | undefined,
    blob: BlobRef | undefined,
  ): Promise<Version> {
    const version = (was?.version ?? 0) + 1;
    // Times of one resource never run backwards or stand still, whatever the machine's clock does.
    const updated = Math.max(clock.now(), (was?.updated ?? 0) + 1);
    const resource = document && stamped(document, { id: key.id, version, updated });
    const change: Change = {
      ...key,
      version,
      updated,
      owner: was?.owner ?? call.principal.owner,
      method,
      text: resource && finalText(resource),
      entries: resource === undefined ? [] : extract(resource),
      ...(blob === undefined ? {} : { blob }),
    };
    await store.write([change]);
    // Only now: after a write whose outcome is unknown, the bytes stay held until the hold is old.
    if (blob !== undefined) blobs.settled(blob).catch(() => undefined);
    return change;
  }

  /** Structure is checked before anything is stored; the bytes of a Binary go their own way. */
  async function accepted(resource: Resource): Promise<{ document: Resource; blob?: BlobRef; issues: Issue[] }> {
    const issues = refuseErrors(validator.validate(resource));
    refuseSubset(resource);
    if (resource.resourceType !== 'Binary') return { document: resource, issues };
    return { ...(await withoutData(blobs, resource)), issues };
  }

  return {
    read,
    vread,
    history,
    create: (call, resource) => asked(create(call, resource)),
    update,
    delete: remove,
    writeBytes: async (call, upload, ...rest) => {
      try {
        return await asked(writeBytes(call, upload, ...rest));
      } finally {
        upload.bytes.destroy();
      }
    },
    bytes: (version, range) => openBytes(blobs, version, range),
    binaryAsJson: (version, layout) => jsonForm(blobs, version, layout),
    textInBundle: async (version) => (version.type === 'Binary' ? inBundle(blobs, version) : (version.text ?? '')),
    ...createSearch(store),
  };
}

const nameOf = (key: Key): `${ResourceType}/${string}` => `${key.type}/${key.id}`;

function present<T extends Version>(found: T | undefined, name: string): T {
  if (found === undefined) throw failure('not-found', `There is no ${name}.`);
  if (found.text === undefined) {
    throw failure(
      'deleted',
      `${found.type}/${found.id} was deleted in version ${found.version}; its history is there.`,
    );
  }
  return found;
}

function refuseErrors(issues: Issue[]): Issue[] {
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
