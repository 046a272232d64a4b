/** Express: the order of things, nothing else. */
import express, { type NextFunction, type Request, type Response } from 'express';
import { failure } from '../fhir/outcome.js';
import { limits, type Limits } from '../kit/limits.js';
import { authRoutes, type AuthRoutesParts } from './auth/routes.js';
import { cors } from './cors.js';
import { fhirHandler, type FhirHandlerParts } from './fhir/handler.js';
import { replyToError } from './fhir/errors.js';
import { plainRendering, respond } from './fhir/respond.js';
import { healthRoutes, type Health } from './health.js';
import { listenerOf } from './listener.js';
import type { Listener } from './refusals.js';
import type { TlsFiles } from './tls.js';
import { createTraffic } from './traffic/index.js';

/** Where the FHIR base stands. */
export const FHIR_PATH = '/fhir';

export interface HttpServer {
  server: Listener;
  /** Begins to serve. Before it everything is 503: the address is known first, and links are made from it. */
  mount(parts: Omit<FhirHandlerParts, 'traffic'>, health: Health, auth?: Omit<AuthRoutesParts, 'traffic'>): void;
}

/** What stands between the server and its callers. */
export interface Front {
  tls?: TlsFiles;
  /** Proxies whose X-Forwarded-For and X-Forwarded-Proto are believed. */
  trustProxy: string[];
  /** Whether pages of this origin may call FHIR. */
  isNamedOrigin: (origin: string) => boolean;
}

export function createHttpServer(
  bounds: Limits = limits,
  { tls, trustProxy, isNamedOrigin }: Front = { trustProxy: [], isNamedOrigin: () => false },
): HttpServer {
  const traffic = createTraffic(bounds);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Queries are FHIR's to read: Express would make objects of `name[$ne]`.
  app.set('query parser', false);
  // `request.ip` and `request.protocol` are those of the connection, but for what such a proxy says.
  app.set('trust proxy', trustProxy);
  let isRegistered: (origin: string) => Promise<boolean> = () => Promise.resolve(false);
  app.use(cors((origin) => isNamedOrigin(origin) || isRegistered(origin)));
  let mounted = false;
  app.use((_request: Request, response: Response, next: NextFunction) => {
    if (mounted) next();
    else void answer(response, failure('unavailable', 'The server is starting.', undefined, { 'Retry-After': '1' }));
  });

  const answer = (response: Response, error: unknown): Promise<void> =>
    respond(response, replyToError(error, ''), plainRendering, traffic);

  function mount(
    parts: Omit<FhirHandlerParts, 'traffic'>,
    health: Health,
    auth?: Omit<AuthRoutesParts, 'traffic'>,
  ): void {
    if (auth !== undefined) {
      isRegistered = (origin) => auth.auth.clients.isOrigin(origin);
      app.use(authRoutes({ ...auth, traffic }));
    }
    app.use(FHIR_PATH, fhirHandler({ ...parts, traffic }));
    // Outside of the gate: whoever watches the server wants to know most when it has too much to do.
    app.use(healthRoutes(health));
    app.use((_request: Request, response: Response) =>
      answer(response, failure('not-found', `Nothing is here; FHIR is served at ${FHIR_PATH}.`)),
    );
    app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => answer(response, error));
    mounted = true;
  }
  const server = listenerOf(app, bounds, tls);
  server.on('connection', () => traffic.admission.connected());
  server.once('close', () => traffic.close());
  return { server, mount };
}
