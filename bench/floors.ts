/** A floor of HTTP, a process of its own: node:http or Express as everybody uses it, with nothing behind. */
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Request, type Response } from 'express';
import { idAt, worldOf } from './data.js';
import { resourceAt } from './resources.js';
import { work, setup } from './worker.js';

export interface FloorSetup {
  kind: 'node:http' | 'Express';
}

/** Twenty resources are of the types and sizes that a read of any one meets; they take turns. */
const world = worldOf(1000);
const answers = Array.from({ length: 20 }, (_, index) => Buffer.from(JSON.stringify(resourceAt(world, index))));
let asked = 0;
const answer = (): Buffer => answers[(asked += 1) % answers.length]!;
const TYPE = 'application/fhir+json; charset=utf-8';

/** What every create does at least: read, parse, set id and meta, make text of it, send that. */
function created(body: Buffer): Buffer {
  const { resourceType, ...rest } = JSON.parse(body.toString()) as { resourceType: string };
  const meta = { versionId: '1', lastUpdated: new Date().toISOString() };
  return Buffer.from(JSON.stringify({ resourceType, id: idAt(0), meta, ...rest }));
}

const listeners: Record<FloorSetup['kind'], () => RequestListener> = {
  'node:http': () => (request, response) => {
    if (request.method === 'GET') {
      const bytes = answer();
      response.writeHead(200, { 'Content-Type': TYPE, 'Content-Length': bytes.length }).end(bytes);
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const bytes = created(Buffer.concat(chunks));
      response.writeHead(201, { 'Content-Type': TYPE, 'Content-Length': bytes.length }).end(bytes);
    });
  },
  Express: () => {
    const app = express();
    app.disable('x-powered-by').disable('etag');
    app.get('/fhir/:type/:id', (_request: Request, response: Response) => void response.type(TYPE).send(answer()));
    app.post(
      '/fhir/:type',
      express.raw({ type: () => true, limit: '10mb' }),
      (request: Request, response: Response) =>
        void response
          .status(201)
          .type(TYPE)
          .send(created(request.body as Buffer)),
    );
    return app;
  },
};

const server = createServer(listeners[(setup as FloorSetup).kind]());
server.listen(0, '127.0.0.1', () => {
  // Its one job is to say where it listens.
  work((_job, measuring) => {
    measuring();
    return Promise.resolve((server.address() as AddressInfo).port);
  });
});
