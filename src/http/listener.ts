/** The server below Express: born with its prototypes, within the bounds of what a line may do, with TLS or without. */
import { createServer, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Express, Request, Response } from 'express';
import { assert } from '../kit/assert.js';
import type { Limits } from '../kit/limits.js';
import { tellRefusals, type Listener } from './refusals.js';
import { readTls, type TlsFiles } from './tls.js';

/**
 * Requests and responses are born with Express's prototypes. Express sets them on every request otherwise, and
 * changing an object's prototype costs more than everything else on a read.
 */
export function listenerOf(app: Express, bounds: Limits, tls?: TlsFiles): Listener {
  // Classes, because V8 then knows from the beginning how large these objects become.
  class BornRequest extends IncomingMessage {}
  class BornResponse extends ServerResponse {}
  app.request = Object.setPrototypeOf(BornRequest.prototype, app.request) as Request;
  app.response = Object.setPrototypeOf(BornResponse.prototype, app.response) as Response;
  const options = {
    IncomingMessage: BornRequest,
    ServerResponse: BornResponse,
    // The URL counts among the headers for Node; it has a limit and an answer of its own.
    maxHeaderSize: bounds.headerBytes + bounds.urlBytes,
    headersTimeout: bounds.headersMs,
    connectionsCheckingInterval: bounds.headersMs / 4,
    keepAliveTimeout: bounds.keepAliveMs,
    requestTimeout: 0,
    // The guard refuses a request without a Host itself, with an OperationOutcome.
    requireHostHeader: false,
  };
  const server = tls === undefined ? createServer(options, app) : createTlsServer({ ...options, ...readTls(tls) }, app);
  // A line on which nothing moves for this long is cut; an answer that takes too long has been told so before.
  server.timeout = bounds.requestMs + 5000;
  server.maxConnections = bounds.connections;
  server.on('drop', () => server.closeIdleConnections());
  tellRefusals(server);
  return server;
}

/** Scheme, host and port where it listens. */
export function addressOf(server: Listener, host: string): string {
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a server that listens has an address');
  const scheme = 'setSecureContext' in server ? 'https' : 'http';
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}
