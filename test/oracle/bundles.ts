/** Batches and transactions of other requests: each entry is answered as if it had been asked alone. */
import fc from 'fast-check';
import type { Request, Verdict } from './request.js';
import type { Json, World } from './world.js';

/** What a batch or a transaction reads. One entry that fails is told in its own place. */
export const reading = (one: fc.Arbitrary<Request>): fc.Arbitrary<Request> =>
  fc
    .tuple(fc.constantFrom('batch', 'transaction'), fc.array(one.filter(isPlainRead), { minLength: 1, maxLength: 4 }))
    .map(([type, all]) => ({
      method: 'POST',
      path: '',
      body: { resourceType: 'Bundle', type, entry: all.map(entryOf) },
      expected: (eyes) => ({ status: 200, entries: all.map(({ expected }) => expected(eyes)) }),
    }));

const isPlainRead = ({ method, headers, follow }: Request): boolean =>
  method === 'GET' && headers === undefined && follow === undefined;

/** Two writes: both, or none. */
export const writing = (world: World, one: (world: World) => fc.Arbitrary<Request>): fc.Arbitrary<Request> =>
  fc
    .tuple(fc.constantFrom('batch', 'transaction'), fc.array(one(world), { minLength: 1, maxLength: 2 }))
    .map(([type, drawn]): Request => {
      // Nobody writes to the same place twice, and a Consent would change what the other may do.
      const all = drawn.filter(
        ({ path, method }, at) =>
          !path.includes('/Consent') && (method === 'POST' || drawn.findIndex((other) => other.path === path) === at),
      );
      const isOk = ({ status }: Verdict) => status !== 'refused' && status < 300;
      return {
        method: 'POST',
        path: '',
        body: { resourceType: 'Bundle', type, entry: all.map(entryOf) },
        expected(eyes) {
          // A list must not be empty.
          if (all.length === 0) return { status: 'refused' };
          const entries = all.map(({ expected }) => expected(eyes));
          if (type === 'transaction' && !entries.every(isOk)) return { status: 'refused' };
          return { status: 200, entries: entries.map(({ status }) => ({ status })) };
        },
        effect(eyes, { body }) {
          for (const [at, { effect }] of all.entries()) {
            const { response, resource }: Json = body.entry[at];
            if (parseInt(response.status, 10) < 300)
              effect?.(eyes, { body: resource, etag: response.etag ?? '', location: response.location ?? '' });
          }
        },
      };
    });

function entryOf({ method, path, headers = {}, body }: Request): Json {
  const { 'If-None-Exist': ifNoneExist, 'If-Match': ifMatch } = headers;
  const request = {
    method,
    url: path.slice(1),
    ...(ifNoneExist === undefined ? {} : { ifNoneExist }),
    ...(ifMatch === undefined ? {} : { ifMatch }),
  };
  if (body === undefined) return { request };
  if (method !== 'PATCH') return { request, resource: body };
  // R4 has a JSON Patch in a Bundle travel as a Binary.
  const data = Buffer.from(JSON.stringify(body)).toString('base64');
  return { request, resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data } };
}
