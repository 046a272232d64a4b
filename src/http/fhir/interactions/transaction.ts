/**
 * batch and transaction: a Bundle of operations, each answered in its place. Those of a transaction are done together
 * or not at all; what only reads sees what they did. (R4 http.html#transaction)
 */
import { STATUS_CODES } from 'node:http';
import { text as textOfStream } from 'node:stream/consumers';
import { responseBundle, type ResponseEntry } from '../../../fhir/bundle.js';
import type { Asked } from '../../../audit/trail.js';
import { failure, FhirError, operationOutcome } from '../../../fhir/outcome.js';
import { readBundle } from '../../../fhir/transaction/index.js';
import type { BundledInteraction, Operation } from '../../../fhir/transaction/operation.js';
import { inOrder } from '../../../fhir/transaction/order.js';
import { limits } from '../../../kit/limits.js';
import { lengthOf, textOf } from '../../../kit/pieces.js';
import { Turns } from '../../../kit/turns.js';
import type { Written } from '../../../repository/repository.js';
import { readBody } from '../../body.js';
import type { FhirCall } from '../call.js';
import { replyToError } from '../errors.js';
import { replayedHeader } from '../idempotency.js';
import { demandJson, FHIR_JSON } from '../negotiate.js';
import { formatParameter } from '../parameters.js';
import type { Parts } from '../parts.js';
import { locationOf, versionHeaders, type Reply } from '../reply.js';
import { history } from './history.js';
import { metadata } from './metadata.js';
import { read } from './read.js';
import { search } from './search.js';
import { vread } from './vread.js';

export async function transaction(call: FhirCall, parts: Parts): Promise<Reply> {
  formatParameter(call.query);
  demandJson(call.request.headers['content-type']);
  const bytes = await readBody(call, 'bundleBytes');
  if (bytes.length === 0) throw failure('malformed', 'The body is empty; a Bundle was expected.');
  const { definitions } = parts.registry;
  const bundle = await readBundle(bytes, { definitions, base: parts.base });
  const answers = new Map<Operation | FhirError, ResponseEntry>();
  let size = 0;
  const answered = (asked: Operation | FhirError, entry: ResponseEntry) => {
    size += lengthOf(entry.text ?? '');
    answers.set(asked, entry);
  };
  if (bundle.type === 'batch') call.trail?.turnedOut({ kind: 'batch' });
  const operations: readonly (Operation | FhirError)[] = bundle.operations;
  const good = operations.filter((one): one is Operation => !(one instanceof FhirError));
  const once = call.submission?.once();
  const replays = new Set<Operation>();
  const entryFor = (operation: Operation, written: Written): Promise<ResponseEntry> => {
    if (written.replayed === true) replays.add(operation);
    return entryOf(call, parts, operation, written);
  };
  const turns = new Turns();
  if (bundle.type === 'transaction') {
    for (const [operation, written] of await parts.repository.transact(call, good, once)) {
      if (turns.over) await turns.next();
      answered(operation, await entryFor(operation, written));
    }
    // The entries of a batch have a record each, so that what failed may be tried again; but with this body only.
  } else if (once !== undefined) await parts.repository.claim(call, once);
  for (const one of operations) if (one instanceof FhirError) answered(one, refusal(one, call));
  const rest = inOrder(good).filter((operation) => !answers.has(operation));
  for (const some of together(rest)) {
    const full = size > limits.bundleBytes && some[0]?.method === 'GET';
    const entries = full
      ? some.map((operation) => [operation, refusal(tooMuch(), call)] as const)
      : await Promise.all(
          some.map(async (operation) => [operation, await attempt(call, parts, operation, entryFor)] as const),
        );
    for (const [operation, entry] of entries) answered(operation, entry);
  }
  const entries = operations.flatMap((one) => answers.get(one) ?? []);
  if (turns.over) await turns.next();
  return { status: 200, headers: replayedHeader(replays.size > 0), text: responseBundle(bundle.type, entries) };
}

/** Operations that are done at once: of one method, so that what reads comes after what writes. */
function* together(operations: Operation[]): Generator<Operation[]> {
  let some: Operation[] = [];
  for (const operation of operations) {
    if (some.length === AT_ONCE || (some[0] !== undefined && some[0].method !== operation.method)) {
      yield some;
      some = [];
    }
    some.push(operation);
  }
  if (some.length > 0) yield some;
}

const AT_ONCE = 16;

/** One entry by itself: what it is refused for is its own answer. */
async function attempt(
  call: FhirCall,
  parts: Parts,
  operation: Operation,
  entryFor: (operation: Operation, written: Written) => Promise<ResponseEntry>,
): Promise<ResponseEntry> {
  const trail = call.trail?.part(askedBy(operation));
  const own = trail === undefined ? call : { ...call, trail };
  const entry = await attemptOne(own, parts, operation, entryFor).catch((error: unknown) => refusal(error, call));
  await trail?.close(Number.parseInt(entry.response.status));
  return entry;
}

async function attemptOne(
  call: FhirCall,
  parts: Parts,
  operation: Operation,
  entryFor: (operation: Operation, written: Written) => Promise<ResponseEntry>,
): Promise<ResponseEntry> {
  if (operation.method === 'GET' || operation.method === 'HEAD') return readEntry(call, parts, operation);
  const once = call.submission?.once(operation.index);
  return entryFor(operation, await parts.repository.write(call, operation, true, once));
}

/** What an entry asks for, as a request of its own would. */
function askedBy({ interaction, type = '', id = '', versionId = '', member = '', query }: Operation): Asked {
  const named = [type, id, ...(versionId === '' ? [] : ['_history', versionId])].join('/');
  const path = [type, id, member].filter((part) => part !== '').join('/');
  const finds = /^(search|history)/.test(interaction);
  return {
    kind: interaction,
    ...(id === '' || interaction === 'search-type' ? {} : { what: named }),
    ...(finds || query !== '' ? { query: query === '' ? path : `${path}?${query}` } : {}),
  };
}

async function entryOf(call: FhirCall, parts: Parts, operation: Operation, written: Written): Promise<ResponseEntry> {
  const { version, created, issues } = written;
  if (version === undefined) return { response: { status: statusOf(204) } };
  const response: ResponseEntry['response'] = {
    status: statusOf(operation.method === 'DELETE' ? 204 : created ? 201 : 200),
    location: locationOf(parts.base, version),
    etag: versionHeaders(version).ETag ?? '',
    lastModified: new Date(version.updated).toISOString(),
  };
  if (issues.length > 0 || call.prefer.return === 'OperationOutcome') response.outcome = operationOutcome(issues);
  if (operation.method === 'DELETE') return { response };
  const fullUrl = `${parts.base}/${version.type}/${version.id}`;
  if (call.prefer.return !== 'representation' || written.withheld === true) return { fullUrl, response };
  return { fullUrl, text: [await parts.repository.json(version)], response };
}

/** TABLE: what an entry may read -> the interaction that does so outside of a Bundle. */
const reading: Partial<Record<BundledInteraction, (call: FhirCall, parts: Parts) => Promise<Reply>>> = {
  read,
  vread,
  'search-type': search,
  'search-system': search,
  'history-instance': history,
  'history-type': history,
  'history-system': history,
  capabilities: metadata,
};

async function readEntry(call: FhirCall, parts: Parts, operation: Operation): Promise<ResponseEntry> {
  const handler = reading[operation.interaction];
  if (handler === undefined) throw failure('not-supported', `${operation.interaction} is not done by GET.`);
  const { type = '', id = '', versionId = '', member = '', query } = operation;
  const own: FhirCall = {
    ...call,
    method: operation.method,
    type,
    resourceId: id,
    versionId,
    member,
    query,
    conditions: {},
    headers: headersOf(operation),
  };
  const reply = await handler(own, parts);
  const { ETag: etag, 'Last-Modified': modified } = reply.headers ?? {};
  const response: ResponseEntry['response'] = { status: statusOf(reply.status) };
  if (etag !== undefined) response.etag = etag;
  if (modified !== undefined) response.lastModified = new Date(modified).toISOString();
  if (operation.method === 'HEAD') return { response };
  const text = reply.text ?? (reply.bytes === undefined ? undefined : await textOfStream(await reply.bytes.stream()));
  return text === undefined ? { response } : { text, response };
}

function headersOf({ conditions: { ifNoneMatch }, ifModifiedSince }: Operation): Record<string, string> {
  const tags = ifNoneMatch === '*' ? '*' : ifNoneMatch?.map((tag) => `W/"${tag}"`).join(', ');
  return {
    accept: FHIR_JSON,
    ...(tags === undefined ? {} : { 'if-none-match': tags }),
    ...(ifModifiedSince === undefined ? {} : { 'if-modified-since': new Date(ifModifiedSince).toUTCString() }),
  };
}

function refusal(error: unknown, call: FhirCall): ResponseEntry {
  const reply = replyToError(error, call.id);
  if (reply.unexpected) call.unexpected(error);
  return {
    response: { status: statusOf(reply.status), outcome: JSON.parse(textOf(reply.text ?? '{}')) as object },
  };
}

const statusOf = (status: number): string => `${status} ${STATUS_CODES[status] ?? ''}`.trim();

const tooMuch = () =>
  failure(
    'too-costly',
    `The answer to this Bundle would have more than ${limits.bundleBytes} bytes (limit bundleBytes); read this by itself.`,
  );
