/** One FHIR request from its first byte to its last: guard, dispatch, interaction, answer, log line. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Access } from '../../access/constraint.js';
import { nobody, type Principal } from '../../access/principal.js';
import type { Audit } from '../../audit/index.js';
import type { RequestTrail } from '../../audit/trail.js';
import type { Authenticate } from '../../auth/bearer.js';
import { failure } from '../../fhir/outcome.js';
import type { Clock } from '../../kit/clock.js';
import { requestId } from '../../kit/id.js';
import { limits } from '../../kit/limits.js';
import type { Log } from '../../kit/log.js';
import type { Metrics } from '../../kit/metrics.js';
import { guard } from '../guard.js';
import { addressOf, askedOf, keepTrail, type Traced } from './audited.js';
import type { FhirCall } from './call.js';
import { dispatch, type Target } from './dispatch.js';
import { replyToError } from './errors.js';
import { submissionOf } from './idempotency.js';
import { negotiate } from './negotiate.js';
import { renderingParameters } from './parameters.js';
import type { Parts } from './parts.js';
import { conditionsOf, preferOf } from './prefer.js';
import type { Reply } from './reply.js';
import { plainRendering, respond, type Rendering } from './respond.js';
import type { Ticket } from '../traffic/admission.js';
import { left, refuseBusy } from '../traffic/busy.js';
import type { Traffic } from '../traffic/index.js';

export interface FhirHandlerParts extends Parts {
  types: ReadonlySet<string>;
  authenticate: Authenticate;
  access: Pick<Access, 'demandOperation'>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  traffic: Traffic;
  /** True in open mode: strangers are refused. */
  loopbackOnly: boolean;
  /** Undefined where no records are kept. */
  audit: Audit | undefined;
}

/** What is found out about a request on its way. */
interface Seen extends Traced {
  type: string;
  rendering: Rendering;
}

export function fhirHandler(parts: FhirHandlerParts) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now();
    const ticket = parts.traffic.admission.arrive(request);
    if (ticket === undefined) {
      refuseBusy(request, response);
      parts.metrics.refused();
      parts.audit?.strangers.count(addressOf(request), 503);
      return;
    }
    const id = requestId();
    const seen: Seen = { id, at: parts.clock.now(), interaction: 'none', type: '', rendering: plainRendering };
    let reply: Reply;
    try {
      reply = await answer(request, response, ticket, id, seen);
    } catch (error) {
      reply = refuse(error, id, seen.interaction);
    }
    if (parts.audit !== undefined) reply = await kept(parts.audit, reply, request, seen);
    const { format = seen.rendering.format, pretty = seen.rendering.pretty } = reply;
    seen.rendering = { ...seen.rendering, format, pretty };
    await send(reply, request, response, ticket, id, seen);
    const milliseconds = performance.now() - started;
    parts.metrics.answered(seen.interaction, reply.status, milliseconds / 1000);
    const { interaction, type } = seen;
    parts.log.answered({ at: parts.clock.now(), request: id, interaction, type, status: reply.status, milliseconds });
  };

  async function answer(request: IncomingMessage, response: ServerResponse, ticket: Ticket, id: string, seen: Seen) {
    guard(request, parts.loopbackOnly);
    const [path, query] = splitOnce(request.url ?? '/');
    const headOnly = request.method === 'HEAD';
    seen.rendering = { ...plainRendering, headOnly };
    const { format, pretty } = renderingParameters(query);
    seen.rendering = { ...plainRendering, headOnly, pretty };
    const target = dispatch(request.method ?? 'GET', path, parts.types);
    seen.interaction = target.route.interaction;
    seen.type = target.type;
    seen.target = target;
    seen.rendering = { pretty, headOnly, format: formatOf(request, format, target) };
    const open = OPEN_TO_ALL.has(target.route.interaction);
    const principal = open ? nobody : await parts.authenticate(request.headers, query);
    if (!open) seen.trail = trailOf(request, principal, seen);
    const operation = operationIn(target.route.path);
    if (operation !== undefined) parts.access.demandOperation(principal, operation);
    const submission = submissionOf(request, target.route.interaction);
    const call: FhirCall = {
      id,
      at: seen.at,
      principal,
      ...(seen.trail === undefined ? {} : { trail: seen.trail }),
      method: request.method ?? 'GET',
      type: target.type,
      resourceId: target.resourceId,
      versionId: target.versionId,
      member: target.member,
      query,
      format: seen.rendering.format,
      prefer: preferOf(request.headers),
      conditions: WRITES.has(target.route.method) ? conditionsOf(request.headers) : {},
      ...(submission === undefined ? {} : { submission }),
      headers: request.headers,
      request,
      ticket,
      traffic: parts.traffic,
      gone: () => abortedWhenGone(response),
      unexpected: (error) => parts.log.error({ request: id, cause: toldToOperator(error, true) }),
    };
    // Who brings a body has its turn when that is there.
    if (!bringsBody(request)) await ticket.turn();
    return inTime(worked(target, call, ticket), target);
  }

  function trailOf(request: IncomingMessage, principal: Principal, seen: Seen): RequestTrail | undefined {
    const caller = { request: seen.id, at: seen.at, from: addressOf(request), principal };
    return parts.audit?.open(caller, askedOf(seen, request.url ?? '/'));
  }

  /** The reply once its record is kept; another one where it cannot be. */
  async function kept(audit: Audit, reply: Reply, request: IncomingMessage, seen: Seen): Promise<Reply> {
    try {
      await keepTrail(audit, seen, request, reply.status, async () => {
        const [, query] = splitOnce(request.url ?? '/');
        try {
          return await parts.authenticate(request.headers, query);
        } catch {
          return undefined;
        }
      });
      return reply;
    } catch (error) {
      const refusal = refuse(error, seen.id, seen.interaction);
      return reply.status < 400 ? refusal : reply;
    }
  }

  /** Who was told that it took too long keeps its place until the work has ended all the same, however it ends. */
  async function worked({ route }: Target, call: FhirCall, ticket: Ticket): Promise<Reply> {
    try {
      return await route.handler(call, parts);
    } finally {
      ticket.leave();
    }
  }

  function refuse(error: unknown, id: string, interaction: string): Reply {
    const reply = replyToError(error, id);
    if (reply.unexpected) parts.log.error({ request: id, interaction, cause: toldToOperator(error, true) });
    else if (reply.status >= 500) parts.log.warn({ request: id, interaction, cause: toldToOperator(error, false) });
    return reply;
  }

  /** When sending fails before the head is out, the client still gets an answer; after that only the line is cut. */
  async function send(
    reply: Reply,
    request: IncomingMessage,
    response: ServerResponse,
    ticket: Ticket,
    id: string,
    seen: Seen,
  ) {
    const { rendering } = seen;
    const own = ['X-Request-Id', id];
    // What is left of a body that was refused must not be taken for the next request.
    if (!request.complete && reply.status >= 400) own.push('Connection', 'close');
    try {
      if (reply.bytes !== undefined && !rendering.headOnly) ticket.transfer();
      await respond(response, reply, rendering, parts.traffic, own);
    } catch (error) {
      if (!response.headersSent)
        await respond(response, refuse(error, id, seen.interaction), rendering, parts.traffic, own);
      else response.destroy();
    } finally {
      if (reply.bytes !== undefined) ticket.leave();
    }
  }
}

function abortedWhenGone(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) controller.abort(left);
  });
  return controller.signal;
}

const bringsBody = ({ method, headers }: IncomingMessage): boolean =>
  (method === 'POST' || method === 'PUT' || method === 'PATCH') &&
  (headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0);

const operationIn = (path: string): string | undefined => path.split('/').find((segment) => segment.startsWith('$'));

/** What anybody may ask: it shows no resource. */
const OPEN_TO_ALL: ReadonlySet<string> = new Set(['capabilities']);

const WRITES: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH', 'DELETE']);

/** Where a Binary's bytes go in or out. */
const STREAMED: ReadonlySet<string> = new Set(['read', 'vread', 'create', 'update']);

/** The chain of causes, by name and message; a driver's other fields may hold what is in a patient's record. */
function toldToOperator(error: unknown, withStack: boolean): string {
  if (!(error instanceof Error)) return String(error);
  const own = withStack ? (error.stack ?? error.message) : `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} <- ${toldToOperator(error.cause, withStack)}`;
}

/** A Binary has a media type of its own, so its reads negotiate later. */
function formatOf(request: IncomingMessage, format: string | undefined, { type, route }: Target) {
  const binary = type === 'Binary' && (route.interaction === 'read' || route.interaction === 'vread');
  return binary ? plainRendering.format : negotiate(request.headers.accept, format);
}

/** A Binary takes as long as its bytes keep coming; everything else has a bounded time. */
function inTime(reply: Promise<Reply>, { type, route }: Target): Promise<Reply> {
  if (type === 'Binary' && STREAMED.has(route.interaction)) return reply;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const what = `This took longer than ${limits.requestMs} ms (limit requestMs).`;
      reject(
        failure('unknown', `${what} If it was a write, it is unknown whether it was made.`, undefined, {
          'Retry-After': '5',
        }),
      );
    }, limits.requestMs);
    const ended = () => clearTimeout(timer);
    reply.then(resolve, reject);
    reply.then(ended, ended);
  });
}

function splitOnce(url: string): [string, string] {
  const mark = url.indexOf('?');
  return mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}
