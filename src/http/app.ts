/** Express: the order of things, nothing else. */
import { createServer, IncomingMessage, ServerResponse, type Server } from 'node:http';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { failure } from '../fhir/outcome.js';
import { limits, type Limits } from '../kit/limits.js';
import { fhirHandler, type FhirHandlerParts } from './fhir/handler.js';
import { replyToError } from './fhir/errors.js';
import { plainRendering, respond } from './fhir/respond.js';
import { healthRoutes, type Health } from './health.js';
import { tellRefusals } from './refusals.js';
import { createTraffic } from './traffic/index.js';

/** Where the FHIR base stands. */
export const FHIR_PATH = '/fhir';

export interface HttpServer {
  server: Server;
  /** Begins to serve. Before it everything is 503: the address is known first, and links are made from it. */
  mount(parts: Omit<FhirHandlerParts, 'traffic'>, health: Health): void;
}

export function createHttpServer(bounds: Limits = limits): HttpServer {
  const traffic = createTraffic(bounds);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Queries are FHIR's to read: Express would make objects of `name[$ne]`.
  app.set('query parser', false);
  let mounted = false;
  app.use((_request: Request, response: Response, next: NextFunction) => {
    if (mounted) next();
    else void answer(response, failure('unavailable', 'The server is starting.', undefined, { 'Retry-After': '1' }));
  });

  const answer = (response: Response, error: unknown): Promise<void> =>
    respond(response, replyToError(error, ''), plainRendering, traffic);

  function mount(parts: Omit<FhirHandlerParts, 'traffic'>, health: Health): void {
    app.use(FHIR_PATH, fhirHandler({ ...parts, traffic }));
    // Outside of the gate: whoever watches the server wants to know most when it has too much to do.
    app.use(healthRoutes(health));
    app.use((_request: Request, response: Response) =>
      answer(response, failure('not-found', `Nothing is here; FHIR is served at ${FHIR_PATH}.`)),
    );
    app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => answer(response, error));
    mounted = true;
  }
  const server = listenerOf(app, bounds);
  server.once('close', () => traffic.close());
  return { server, mount };
}

/**
 * Requests and responses are born with Express's prototypes. Express sets them on every request otherwise, and
 * changing an object's prototype costs more than everything else on a read.
 */
function listenerOf(app: Express, bounds: Limits): Server {
  // Classes, because V8 then knows from the beginning how large these objects become.
  class BornRequest extends IncomingMessage {}
  class BornResponse extends ServerResponse {}
  app.request = Object.setPrototypeOf(BornRequest.prototype, app.request) as Request;
  app.response = Object.setPrototypeOf(BornResponse.prototype, app.response) as Response;
  const server = createServer(
    {
      IncomingMessage: BornRequest,
      ServerResponse: BornResponse,
      // The URL counts among the headers for Node; it has a limit and an answer of its own.
      maxHeaderSize: bounds.headerBytes + bounds.urlBytes,
      headersTimeout: bounds.headersMs,
      connectionsCheckingInterval: bounds.headersMs / 4,
      requestTimeout: 0,
      // The guard refuses a request without a Host itself, with an OperationOutcome.
      requireHostHeader: false,
    },
    app,
  );
  // A line on which nothing moves for this long is cut; an answer that takes too long has been told so before.
  server.timeout = bounds.requestMs + 5000;
  server.maxConnections = bounds.connections;
  tellRefusals(server);
  return server;
}
