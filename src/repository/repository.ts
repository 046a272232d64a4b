/**
 * THE one door: every read and write of a resource passes here, with the caller's Call. Access, validation, search
 * values and versions cannot be forgotten, because there is no other way to the store.
 */
import type { Readable } from 'node:stream';
import { SHOWING } from '../access/compartment.js';
import type { Access } from '../access/constraint.js';
import type { Call } from '../access/principal.js';
import type { BlobRef } from '../blob/port.js';
import { failure } from '../fhir/outcome.js';
import type { Operation } from '../fhir/transaction/operation.js';
import { inOrder } from '../fhir/transaction/order.js';
import type { Resource, ResourceType } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { limits } from '../kit/limits.js';
import type { Piece } from '../kit/pieces.js';
import type { SearchRegistry } from '../search/registry.js';
import {
  isThere,
  jsonOf,
  type Found,
  type HistoryScope,
  type Key,
  type Page,
  type PageRequest,
  type Version,
} from '../store/port.js';
import { inBundle, jsonForm, openBytes, refuseOddContext, storeBytes, type JsonForm } from './binary.js';
import { createChecking, type Validate } from './checking.js';
import { demand, type Conditions } from './conditions.js';
import { createFinder } from './criteria.js';
import { AUDIT_EVENT, refuseTrail } from './events/apart.js';
import { createEvents } from './events/index.js';
import { asked } from './failures.js';
import { createMeets } from './meets.js';
import { created, nameOf, updated, type Asked, type Brought, type Written } from './operations.js';
import { createOnce, ofBytes, type Once } from './once.js';
import { readBody } from './prepare/body.js';
import { refuseFaults } from './prepare/faults.js';
import { createEmergencies, type Emergencies, type EmergencyParts } from './emergency/index.js';
import { createPurge, type Purge, type PurgeParts } from './purge/index.js';
import { createSeenStore } from './seen.js';
import { createSearch, type SearchDoor } from './search.js';
import { createTelling } from './telling.js';
import { whileOpen } from './watched.js';
import { createTerms, type TermsParts } from './terms.js';
import { alone, inTransaction } from './setting.js';
import { createWriting, type WritingParts } from './writing.js';

export type { Asked, Brought, Written } from './operations.js';

export interface RepositoryParts
  extends
    Omit<WritingParts, 'finder' | 'definitions' | 'store' | 'terms'>,
    PurgeParts,
    Pick<EmergencyParts, 'audit' | 'emergencyMs'>,
    Pick<TermsParts, 'isJudging'> {
  access: Access;
  registry: SearchRegistry;
  /** Whether AuditEvents are made of the audit trail; else they are resources as any others. */
  audited?: boolean;
}

export interface Repository extends SearchDoor {
  /** The current version. Throws 404 when there is none, 410 when it was deleted. */
  read(call: Call, key: Key): Promise<Found>;
  /** One version. Throws 404 when there is none, 410 when it is a deletion. */
  vread(call: Call, key: Key, version: number): Promise<Version>;
  /** Newest first; 404 for a resource that never was. */
  history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>>;
  /** Reads the body of a create or update; what is large keeps nobody waiting. Throws what cannot be read as one. */
  bring(type: ResourceType, bytes: Uint8Array): Promise<Brought>;
  /** Does one create, update, patch or delete, conditional or not; `inBundle` for an entry of a batch. */
  write(call: Call, operation: Asked, inBundle?: boolean, once?: Once): Promise<Written>;
  /** Does all of them or none; what each did, in the order of the operations. Reads among them are passed over. */
  transact(call: Call, operations: Operation[], once?: Once): Promise<Map<Operation, Written>>;
  /** Throws 422 when the key stood for another request; from now on it stands for this one. */
  claim(call: Call, once: Once): Promise<void>;
  /** What a write would be told; see `checking.ts`. */
  validate: Validate;
  /** Erases a patient; see `purge/index.ts`. Throws 403 for all but the operator. */
  purge: Purge;
  /** Break-glass; see `emergency/index.ts`. */
  emergencies: Emergencies;
  /** Replaces a resource, or stores it under the id that the caller chose. */
  update(call: Call, key: Key, resource: Resource): Promise<Written>;
  /** Stores raw bytes as a Binary: a new one, or that of the key. */
  writeBytes(
    call: Call,
    upload: Upload,
    key?: Key,
    conditions?: Conditions,
    once?: Once,
  ): Promise<Written & { version: Version }>;
  /** The bytes of a Binary that was read. */
  bytes(call: Call, version: Version, range?: { start: number; end: number }): Promise<Readable>;
  /** A Binary as JSON, with its data; `layout` may indent. */
  binaryAsJson(call: Call, version: Version, layout: (json: string) => string): JsonForm;
  /** The JSON of a version as it is sent, by itself or in a Bundle. */
  json(version: Version): Piece | Promise<Piece>;
}

export interface Upload {
  contentType: string;
  /** `X-Security-Context`: what the Binary's access follows (R4 binary.html#security). */
  securityContext?: string;
  bytes: Readable;
}

export function createRepository(parts: RepositoryParts): Repository {
  const { blobs, clock, validator, registry, prepare } = parts;
  const { definitions } = registry;
  const terms = createTerms(parts);
  const store = createSeenStore({ ...parts, terms });
  const seen = { ...parts, store };
  const writing = createWriting({ ...seen, terms, definitions, finder: createFinder(seen) });
  const again = createOnce(seen, writing);
  const tell = createTelling(parts.store, SHOWING);
  const { meets } = createMeets(parts.store, parts.extract);
  const events = parts.audited === true ? createEvents({ ...seen, log: parts.store.audit, meets }) : undefined;
  const door = createSearch(store, events);
  const perform: typeof again.write = async (call, works, setting, once) => {
    if (events !== undefined) refuseTrail(works, setting);
    const written = await again.write(call, works, setting, once);
    // What was there already, or was made by an earlier request, is shown by this one.
    const there = written.filter(({ changed, replayed }) => !changed || replayed === true);
    await tell(
      call,
      there.flatMap(({ version }) => version ?? []),
    );
    return call.principal.grant === undefined ? written : Promise.all(written.map((one) => shown(call, one)));
  };

  /** A write's answer is a read too: who may not read what is there gets no body. */
  async function shown(call: Call, written: Written): Promise<Written> {
    const { version } = written;
    return version === undefined || (await store.sees(call, 'read', version))
      ? written
      : { ...written, withheld: true };
  }

  async function read(call: Call, key: Key): Promise<Found> {
    const event = await ofTrail(call, key);
    const [found] = event === undefined ? await asked(store.read(call, 'read', [key], true)) : [event];
    const version = present(found, nameOf(key));
    await tell(call, [version]);
    return version;
  }

  const ofTrail = async (call: Call, key: Key): Promise<Found | undefined> =>
    key.type === AUDIT_EVENT ? events?.read(call, key) : undefined;

  async function vread(call: Call, key: Key, version: number): Promise<Version> {
    const event = version === 1 ? await ofTrail(call, key) : undefined;
    const found = present(
      event ?? (await asked(store.version(call, key, version))),
      `${nameOf(key)}/_history/${version}`,
    );
    await tell(call, [found]);
    return found;
  }

  async function history(call: Call, scope: HistoryScope, page: PageRequest): Promise<Page<Version>> {
    const event =
      scope.type !== undefined && scope.id !== undefined && (await ofTrail(call, { type: scope.type, id: scope.id }));
    const found: Page<Version> =
      event === undefined || event === false
        ? await asked(store.history(call, scope, { bytes: limits.bundleBytes, ...page }))
        : { items: [event] };
    if (scope.type !== undefined && scope.id !== undefined && found.items.length === 0 && page.after === undefined) {
      const [known] = await asked(store.read(call, 'read', [{ type: scope.type, id: scope.id }], true));
      if (known === undefined) throw failure('not-found', `There is no ${scope.type}/${scope.id}, and never was.`);
    }
    await tell(call, found.items);
    return found;
  }

  async function write(call: Call, operation: Operation, blob?: BlobRef, once?: Once): Promise<Written> {
    const [written] = await perform(call, [{ operation, ...(blob === undefined ? {} : { blob }) }], alone, once);
    assert(written !== undefined, 'One operation has one result.');
    return written;
  }

  async function transact(call: Call, operations: Operation[], once?: Once): Promise<Map<Operation, Written>> {
    const writes = inOrder(operations).filter(({ method }) => method !== 'GET' && method !== 'HEAD');
    const written = await perform(
      call,
      writes.map((operation) => ({ operation })),
      inTransaction,
      once,
    );
    return new Map(writes.flatMap((operation, at) => (written[at] === undefined ? [] : [[operation, written[at]]])));
  }

  async function writeBytes(
    call: Call,
    upload: Upload,
    key?: Key,
    conditions: Conditions = {},
    once?: Once,
  ): Promise<Written> {
    const earlier = once && (await again.upload(call, once, upload.bytes));
    if (earlier !== undefined) return earlier;
    refuseOddContext(upload.securityContext);
    const document: Resource = {
      resourceType: 'Binary',
      contentType: upload.contentType,
      ...(upload.securityContext === undefined ? {} : { securityContext: { reference: upload.securityContext } }),
    };
    refuseFaults(validator, document);
    if (key !== undefined && once === undefined) {
      // A write that is refused anyway should not leave its bytes behind; only a submission may have been made before.
      const [was] = await asked(store.read(call, 'update', [key], true));
      demand(conditions, was, nameOf(key));
    }
    const blob = await storeBytes(blobs, document.contentType, upload.bytes);
    const resource = key === undefined ? document : { ...document, id: key.id };
    const operation = key === undefined ? created('Binary', resource) : updated(key, resource, conditions);
    return write(call, operation, blob, once && ofBytes(once, blob.hash));
  }

  /** One's own bytes are one's own; those of others are sent as long as they are open. */
  function watched(call: Call, version: Version, bytes: Readable): Readable {
    const { grant, owners } = call.principal;
    if (grant === undefined || owners.includes(version.owner)) return bytes;
    return whileOpen(bytes, () => store.sees({ ...call, at: clock.now() }, 'read', version));
  }

  return {
    read,
    vread,
    history,
    bring: async (type, bytes) =>
      bytes.length <= limits.asideBytes
        ? readBody(bytes, type)
        : { prepared: await prepare({ kind: 'body', type, bytes }) },
    write: async (call, operation, inBundle = false, once) => {
      const [written] = await perform(call, [{ operation }], inBundle ? inTransaction : alone, once);
      assert(written !== undefined, 'One operation has one result.');
      return written;
    },
    transact,
    claim: again.claim,
    validate: createChecking({
      ...seen,
      definitions,
      referrers: (...asked) => parts.store.erasing.referrers(...asked),
    }),
    purge: createPurge(parts),
    emergencies: createEmergencies({ ...parts, terms, write: writing }),
    update: (call, key, resource) => write(call, updated(key, resource, {})),
    writeBytes: async (call, upload, ...rest) => {
      try {
        const { version, ...written } = await asked(writeBytes(call, upload, ...rest));
        assert(version !== undefined, 'What was written has a version.');
        return { ...written, version };
      } finally {
        upload.bytes.destroy();
      }
    },
    bytes: async (call, version, range) => watched(call, version, await openBytes(blobs, version, range)),
    binaryAsJson(call, version, layout) {
      const form = jsonForm(blobs, version, layout);
      return { ...form, stream: async () => watched(call, version, await form.stream()) };
    },
    json: (version) => (version.type === 'Binary' ? inBundle(blobs, version) : jsonOf(version)),
    ...door,
    async search(call, ...rest) {
      const found = await door.search(call, ...rest);
      await tell(call, [...found.matches, ...found.included]);
      return found;
    },
  };
}

function present<T extends Version>(found: T | undefined, name: string): T {
  if (found === undefined) throw failure('not-found', `There is no ${name}.`);
  const { type, id, version } = found;
  if (isThere(found)) return found;
  throw failure('deleted', `${type}/${id} was deleted in version ${version}; its history is there.`);
}
