/** One FHIR request from its first byte to its last: guard, dispatch, interaction, answer, log line. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Principal } from '../../access/principal.js';
import { failure } from '../../fhir/outcome.js';
import type { Clock } from '../../kit/clock.js';
import { requestId } from '../../kit/id.js';
import { limits } from '../../kit/limits.js';
import type { Log } from '../../kit/log.js';
import type { Metrics } from '../../kit/metrics.js';
import { guard } from '../guard.js';
import type { FhirCall } from './call.js';
import { dispatch, type Target } from './dispatch.js';
import { replyToError } from './errors.js';
import { negotiate } from './negotiate.js';
import { renderingParameters } from './parameters.js';
import type { Parts } from './parts.js';
import { conditionsOf, preferOf } from './prefer.js';
import type { Reply } from './reply.js';
import { plainRendering, respond, type Rendering } from './respond.js';

export interface FhirHandlerParts extends Parts {
  types: ReadonlySet<string>;
  principal: Principal;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  /** True in open mode: strangers are refused. */
  loopbackOnly: boolean;
}

export function fhirHandler(parts: FhirHandlerParts) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const started = performance.now();
    const id = requestId();
    const seen: { interaction: string; type: string; rendering: Rendering } = {
      interaction: 'none',
      type: '',
      rendering: plainRendering,
    };
    response.setHeader('X-Request-Id', id);
    let reply: Reply;
    try {
      reply = await answer(request, id, seen);
    } catch (error) {
      reply = refuse(error, id, seen.interaction);
    }
    await send(reply, request, response, id, seen);
    const milliseconds = performance.now() - started;
    parts.metrics.answered(seen.interaction, reply.status, milliseconds / 1000);
    parts.log.info({
      request: id,
      interaction: seen.interaction,
      type: seen.type,
      status: reply.status,
      ms: Math.round(milliseconds * 100) / 100,
    });
  };

  async function answer(
    request: IncomingMessage,
    id: string,
    seen: { interaction: string; type: string; rendering: Rendering },
  ) {
    guard(request, parts.loopbackOnly);
    const [path, query] = splitOnce(request.url ?? '/');
    const headOnly = request.method === 'HEAD';
    seen.rendering = { ...plainRendering, headOnly };
    const { format, pretty } = renderingParameters(query);
    seen.rendering = { ...plainRendering, headOnly, pretty };
    const target = dispatch(request.method ?? 'GET', path, parts.types);
    seen.interaction = target.route.interaction;
    seen.type = target.type;
    seen.rendering = { pretty, headOnly, format: formatOf(request, format, target) };
    const call: FhirCall = {
      id,
      at: parts.clock.now(),
      principal: parts.principal,
      method: request.method ?? 'GET',
      type: target.type,
      resourceId: target.resourceId,
      versionId: target.versionId,
      query,
      format: seen.rendering.format,
      prefer: preferOf(request.headers),
      conditions: conditionsOf(request.headers),
      request,
    };
    return inTime(target.route.handler(call, parts), target);
  }

  function refuse(error: unknown, id: string, interaction: string): Reply {
    const reply = replyToError(error, id);
    if (reply.unexpected) parts.log.error({ request: id, interaction, err: error });
    return reply;
  }

  /** When sending fails before the head is out, the client still gets an answer; after that only the line is cut. */
  async function send(
    reply: Reply,
    request: IncomingMessage,
    response: ServerResponse,
    id: string,
    seen: { interaction: string; rendering: Rendering },
  ) {
    try {
      // What is left of a body that was refused must not be taken for the next request.
      if (!request.complete && reply.status >= 400) response.setHeader('Connection', 'close');
      await respond(response, reply, seen.rendering);
    } catch (error) {
      if (!response.headersSent) await respond(response, refuse(error, id, seen.interaction), seen.rendering);
      else response.destroy();
    }
  }
}

/** A Binary has a media type of its own, so its reads negotiate later. */
function formatOf(request: IncomingMessage, format: string | undefined, { type, route }: Target) {
  const binary = type === 'Binary' && (route.interaction === 'read' || route.interaction === 'vread');
  return binary ? plainRendering.format : negotiate(request.headers.accept, format);
}

/** A Binary takes as long as its bytes keep coming; everything else has a bounded time. */
function inTime(reply: Promise<Reply>, { type }: Target): Promise<Reply> {
  if (type === 'Binary') return reply;
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      const what = `This took longer than ${limits.requestMs} ms (limit requestMs).`;
      reject(
        failure('unknown', `${what} If it was a write, it is unknown whether it was made.`, undefined, {
          'Retry-After': '5',
        }),
      );
    }, limits.requestMs);
    reply.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function splitOnce(url: string): [string, string] {
  const mark = url.indexOf('?');
  return mark === -1 ? [url, ''] : [url.slice(0, mark), url.slice(mark + 1)];
}
