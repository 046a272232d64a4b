/** TABLE: what this server routes. The CapabilityStatement is computed from the same rows. */
import type { BundledInteraction } from '../../fhir/transaction/operation.js';
import type { FhirCall } from './call.js';
import { breakGlass, endBreakGlass } from './interactions/break-glass.js';
import { history } from './interactions/history.js';
import { metadata } from './interactions/metadata.js';
import { purge } from './interactions/purge.js';
import { read } from './interactions/read.js';
import { search, searchByPost } from './interactions/search.js';
import { validate } from './interactions/validate.js';
import { vread } from './interactions/vread.js';
import { transaction } from './interactions/transaction.js';
import { create, patch, remove, update } from './interactions/write.js';
import type { Parts } from './parts.js';
import type { Reply } from './reply.js';

export type Handler = (call: FhirCall, parts: Parts) => Promise<Reply>;

/** What an entry of a Bundle may ask for too, and what it may not; the last is no code of R4's value sets. */
export type Interaction = BundledInteraction | 'transaction' | 'operation';

export interface Route {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Segments after the base; `:type`, `:id`, `:version` and `:member` stand for what the client names. */
  path: string;
  interaction: Interaction;
  handler: Handler;
}

export const routes: readonly Route[] = [
  { method: 'GET', path: 'metadata', interaction: 'capabilities', handler: metadata },
  { method: 'GET', path: '', interaction: 'search-system', handler: search },
  { method: 'POST', path: '', interaction: 'transaction', handler: transaction },
  { method: 'POST', path: '_search', interaction: 'search-system', handler: searchByPost },
  { method: 'GET', path: '_history', interaction: 'history-system', handler: history },
  { method: 'GET', path: ':type', interaction: 'search-type', handler: search },
  { method: 'POST', path: ':type/_search', interaction: 'search-type', handler: searchByPost },
  { method: 'GET', path: ':type/_history', interaction: 'history-type', handler: history },
  { method: 'POST', path: ':type', interaction: 'create', handler: create },
  { method: 'PUT', path: ':type', interaction: 'update', handler: update },
  { method: 'PATCH', path: ':type', interaction: 'patch', handler: patch },
  { method: 'DELETE', path: ':type', interaction: 'delete', handler: remove },
  { method: 'GET', path: ':type/:id', interaction: 'read', handler: read },
  { method: 'PUT', path: ':type/:id', interaction: 'update', handler: update },
  { method: 'PATCH', path: ':type/:id', interaction: 'patch', handler: patch },
  { method: 'DELETE', path: ':type/:id', interaction: 'delete', handler: remove },
  { method: 'GET', path: ':type/:id/:member', interaction: 'search-type', handler: search },
  { method: 'POST', path: ':type/:id/:member/_search', interaction: 'search-type', handler: searchByPost },
  { method: 'POST', path: ':type/$validate', interaction: 'operation', handler: validate },
  { method: 'POST', path: ':type/:id/$validate', interaction: 'operation', handler: validate },
  { method: 'GET', path: ':type/:id/$validate', interaction: 'operation', handler: validate },
  { method: 'POST', path: ':type/:id/$purge', interaction: 'operation', handler: purge },
  { method: 'POST', path: ':type/:id/$break-glass', interaction: 'operation', handler: breakGlass },
  { method: 'POST', path: ':type/:id/$break-glass-end', interaction: 'operation', handler: endBreakGlass },
  { method: 'GET', path: ':type/:id/_history', interaction: 'history-instance', handler: history },
  { method: 'GET', path: ':type/:id/_history/:version', interaction: 'vread', handler: vread },
];
