/** Requests and answers of the authorization server on the wire: forms in, JSON or pages out, nothing of it kept anywhere. */
import type { Request, Response } from 'express';
import type { Audit } from '../../audit/index.js';
import { OAuthFailure } from '../../auth/failure.js';
import { Form } from '../../auth/form.js';
import { FhirError } from '../../fhir/outcome.js';
import type { Clock } from '../../kit/clock.js';
import { requestId } from '../../kit/id.js';
import type { Log } from '../../kit/log.js';
import { readBody } from '../body.js';
import type { Traffic } from '../traffic/index.js';
import { audited, kept } from './audited.js';
import { errorPage } from './pages.js';

export interface Wire {
  /** The body as a form. Throws what is none. */
  form(request: Request): Promise<Form>;
  /** The body as JSON. */
  json(request: Request): Promise<unknown>;
  /** For endpoints that programs ask: an OAuth error becomes JSON. */
  forPrograms(handler: Handler): Handler;
  /** For pages: an OAuth error becomes a page, and never a redirect. */
  forPeople(handler: Handler): Handler;
}

export type Handler = (request: Request, response: Response) => Promise<void>;

export function createWire(traffic: Traffic, log: Log, clock: Clock, audit: Audit | undefined): Wire {
  async function bytes(request: Request): Promise<Buffer> {
    const ticket = traffic.admission.arrive(request);
    if (ticket === undefined)
      throw new OAuthFailure('temporarily_unavailable', 'The server has too much to do.', { 'Retry-After': '1' });
    try {
      return await readBody({ request, ticket, traffic }, 'oauthFormBytes');
    } finally {
      ticket.leave();
    }
  }

  /** What nobody foresaw is told to the operator, and to nobody else. */
  function told(error: unknown): OAuthFailure {
    if (error instanceof OAuthFailure) return error;
    if (error instanceof FhirError && error.status < 500)
      return new OAuthFailure('invalid_request', error.message, error.headers, error.status);
    if (error instanceof FhirError && error.status !== 500)
      return new OAuthFailure('temporarily_unavailable', 'Try again.', { 'Retry-After': '5' });
    log.error({ interaction: 'auth', cause: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    return new OAuthFailure('server_error', 'Something went wrong inside the server.');
  }

  /** One log line for each, as for FHIR; these paths are those of our table, and name nobody. */
  const logged =
    (handler: Handler, refuse: (response: Response, failed: OAuthFailure) => Promise<void>): Handler =>
    async (request, response) => {
      const started = performance.now();
      const id = requestId();
      audited(audit, request, response, id, clock.now());
      try {
        await handler(request, response);
      } catch (error) {
        ended(request, response);
        await refuse(response, told(error));
      }
      const milliseconds = performance.now() - started;
      const { statusCode: status } = response;
      log.answered({
        at: clock.now(),
        request: id,
        interaction: request.path,
        type: '',
        status,
        milliseconds,
      });
    };

  return {
    async form(request) {
      refuseOther(request, 'application/x-www-form-urlencoded');
      return new Form(textOf(await bytes(request)));
    },
    async json(request) {
      refuseOther(request, 'application/json');
      try {
        return JSON.parse(textOf(await bytes(request))) as unknown;
      } catch (error) {
        if (error instanceof SyntaxError) throw new OAuthFailure('invalid_client_metadata', 'The body is not JSON.');
        throw error;
      }
    },
    forPrograms: (handler) =>
      logged(handler, (response, failed) => sendJson(response, failed.status, failed.body, failed.headers)),
    forPeople: (handler) =>
      logged(handler, (response, failed) => sendPage(response, errorPage(failed.message), failed.status)),
  };
}

/** One media type, in UTF-8 or in nothing that would say otherwise. (RFC 6749 4.1.3) */
function refuseOther(request: Request, wanted: string): void {
  const [type = '', ...parameters] = (request.headers['content-type'] ?? '')
    .toLowerCase()
    .split(';')
    .map((part) => part.trim());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice('charset='.length);
  const isUtf8 = charset === undefined || /^"?utf-?8"?$/.test(charset);
  if (type !== wanted || !isUtf8) throw new OAuthFailure('invalid_request', `The body has to be ${wanted} in UTF-8.`);
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new OAuthFailure('invalid_request', 'The body is not UTF-8.');
  }
}

/** A body that was not read must not be taken for the next request. */
function ended(request: Request, response: Response): void {
  if (!request.complete) response.setHeader('Connection', 'close');
}

/** RFC 6749 5.1: what tells of tokens is stored by nobody on the way. */
export async function sendJson(
  response: Response,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<void> {
  await kept(response, status);
  response.writeHead(status, {
    'Content-Type': 'application/json; charset=utf-8',
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(JSON.stringify(body));
}

/**
 * @param goesTo where a form of this page may lead beside here: browsers check the redirect that follows it, too
 */
export async function sendPage(
  response: Response,
  text: string,
  status = 200,
  goesTo: readonly string[] = [],
): Promise<void> {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    `form-action ${["'self'", ...goesTo].join(' ')}`,
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  await kept(response, status);
  response.writeHead(status, {
    'Content-Type': 'text/html; charset=utf-8',
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Content-Security-Policy': policy.join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  });
  response.end(text);
}

/** 303: the browser asks for the next one by GET, and sends no form and no password along. (RFC 9700 4.12) */
export async function sendOn(response: Response, location: string): Promise<void> {
  await kept(response, 303);
  response.writeHead(303, {
    Location: location,
    'Cache-Control': 'no-store',
    Pragma: 'no-cache',
    'Referrer-Policy': 'no-referrer',
  });
  response.end();
}

/** What may be named in a policy: an origin, or the scheme of an app of its own. */
export function placeOf(uri: string): string {
  const { origin, protocol } = new URL(uri);
  return origin === 'null' ? protocol : origin;
}
