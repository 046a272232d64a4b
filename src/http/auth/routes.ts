/** TABLE: the URLs of the authorization server. */
import express, { type Request, type RequestHandler, type Response, type Router } from 'express';
import type { Audit } from '../../audit/index.js';
import type { Auth } from '../../auth/index.js';
import type { Log } from '../../kit/log.js';
import type { Traffic } from '../traffic/index.js';
import { tellReuse } from './audited.js';
import { documentHandler } from './documents.js';
import { createLaunched } from './launched.js';
import { createPrograms } from './programs.js';
import { sessionCookie } from './session.js';
import { css, smartStyle, smartStylePath } from './style.js';
import { createVisits } from './visit.js';
import { createWire, sendJson } from './wire.js';

export interface AuthRoutesParts {
  auth: Auth;
  /** Undefined where no records are kept. */
  audit: Audit | undefined;
  log: Log;
  traffic: Traffic;
  /** Signs session cookies. */
  secret: string;
}

const JSON_TYPE = 'application/json; charset=utf-8';
const HOUR = 3600;

type Method = 'get' | 'post';

export function authRoutes({ auth, audit, log, secret, traffic }: AuthRoutesParts): Router {
  const { discovery, ground, keys, registrationToken, signIn } = auth;
  const wire = createWire(traffic, log, ground.clock, audit);
  if (audit !== undefined) tellReuse(audit, auth.grants);
  const programs = createPrograms(auth, wire);
  const visits = createVisits(auth, wire);
  const launched = createLaunched(auth, wire);
  const json = (text: string) => documentHandler({ type: JSON_TYPE, text, maxAge: HOUR });
  const openid = json(discovery.openid);
  const jwks = wire.forPrograms(async (_request, response) => {
    const { freshMs, text } = await keys.jwks();
    await sendJson(response, 200, JSON.parse(text), {
      'Cache-Control': `public, max-age=${freshMs / 1000}`,
      Pragma: 'cache',
    });
  });

  const documents: [path: string, handler: RequestHandler][] = [
    ['/fhir/.well-known/smart-configuration', json(discovery.smart)],
    ['/.well-known/openid-configuration', openid],
    ['/.well-known/oauth-authorization-server', openid],
    [smartStylePath, json(smartStyle)],
    ['/auth/style.css', documentHandler({ type: 'text/css; charset=utf-8', text: css, maxAge: HOUR })],
    ['/auth/jwks', jwks],
  ];
  const asked: [method: Method, path: string, handler: RequestHandler][] = [
    ['post', '/auth/token', programs.token],
    ['post', '/auth/introspect', programs.introspect],
    ['post', '/auth/revoke', programs.revoke],
    ['post', '/auth/launch', programs.launch],
  ];
  if (registrationToken !== '') asked.push(['post', '/auth/register', programs.register]);
  /** With a session. */
  const visited: [method: Method, path: string, handler: RequestHandler][] = [
    ['get', '/auth/authorize', visits.authorize],
    ['post', '/auth/authorize', visits.authorize],
    ['get', '/auth/continue', visits.continue],
    ['post', '/auth/sign-in', visits.signIn],
    ['post', '/auth/sign-out', visits.signOut],
    ['post', '/auth/upstream', visits.upstream],
    ['get', '/auth/upstream/callback', visits.upstreamBack],
    ['get', '/auth/launched', launched.begin],
    ['get', '/auth/launched/callback', launched.finish],
    ['post', '/auth/pick', visits.pick],
    ['post', '/auth/decide', visits.decide],
    ['get', '/auth/grants', visits.grants],
    ['post', '/auth/grants', visits.endGrant],
  ];

  const router = express.Router({ caseSensitive: true, strict: true });
  const session: RequestHandler[] = [
    sessionCookie(auth.sessions, secret, ground.issuer.startsWith('https:')),
    (request, response, next) => signIn.session(request, response, next),
  ];
  for (const [path, handler] of documents) router.get(path, handler);
  for (const [method, path, handler] of asked) router[method](path, handler);
  for (const [method, path, handler] of visited) router[method](path, ...session, handler);
  const paths = new Set([...documents.map(([path]) => path), ...[...asked, ...visited].map(([, path]) => path)]);
  for (const path of paths) {
    const methods = [...asked, ...visited].filter(([, one]) => one === path).map(([method]) => method.toUpperCase());
    router.all(path, notAllowed(methods.length === 0 ? ['GET', 'HEAD'] : methods));
  }
  return router;
}

const notAllowed = (methods: string[]) => (request: Request, response: Response) => {
  const allow = methods.join(', ');
  const description = `${request.method} is not served here; ${allow} is.`;
  void sendJson(
    response,
    405,
    { error: 'invalid_request', error_description: description },
    { Allow: allow, Connection: 'close' },
  );
};
