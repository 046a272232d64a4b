/** One entry of a batch or transaction, once it has been read: what it asks for, in R4's words. */
import type { Instant } from '../../kit/clock.js';
import type { Resource, ResourceType } from '../types.js';

/** R4's value set http-verb. */
export type Verb = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

/** Codes of the value sets type-restful-interaction and system-restful-interaction. */
export type BundledInteraction =
  | 'read'
  | 'vread'
  | 'update'
  | 'patch'
  | 'delete'
  | 'history-instance'
  | 'history-type'
  | 'history-system'
  | 'create'
  | 'search-type'
  | 'search-system'
  | 'capabilities';

/** What a request's URL names, below the base. */
export interface RequestUrl {
  interaction: BundledInteraction;
  /** Where the interaction is about a type. */
  type?: ResourceType;
  /** Where it is about one resource, or one compartment; a conditional update, patch or delete has a query instead. */
  id?: string;
  versionId?: string;
  /** The type that is searched in a compartment, or `*`. */
  member?: string;
  /** Without the `?`; '' when there is none. */
  query: string;
}

export interface Operation extends RequestUrl {
  /** Its place in the Bundle, and that of its answer in the response. */
  index: number;
  method: Verb;
  fullUrl?: string;
  /** Of a create or update. */
  resource?: Resource;
  /** Its entry has more bytes than are checked between the turns of others (limit asideBytes). */
  isLarge?: true;
  patch?: Patch;
  conditions: Conditions;
  /** A GET answers only if the resource was changed since. */
  ifModifiedSince?: Instant;
  /** A POST creates only if this search finds nothing; without a `?` before it. */
  ifNoneExist?: string;
}

/** Versions that the current one must be among, or must not; `*`: any. (R4 http.html#concurrency) */
export interface Conditions {
  ifMatch?: readonly string[] | '*';
  ifNoneMatch?: readonly string[] | '*';
}

/** A patch travels as a resource: JSON Patch in a Binary's data, FHIRPath Patch as Parameters (R4 http.html#patch). */
export type Patch = { kind: 'json'; document: unknown } | { kind: 'fhirpath'; parameters: Resource };
