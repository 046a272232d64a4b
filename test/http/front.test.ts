/** What stands between the server and its callers: pages of other origins (CORS), TLS, and settings that make no sense. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { sentenceFor } from '../../src/cli/sentence.js';
import { readConfig } from '../../src/config.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { selfSigned } from '../support/certificate.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afferent-front-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const start = (settings: Record<string, string> = {}) =>
  startServer(readConfig({ PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: join(folder, 'data'), ...settings }));

const NAMED = 'http://localhost:5173';

describe('pages of other origins', () => {
  let server: RunningServer;
  beforeAll(async () => {
    server = await start({ CORS_ORIGINS: `https://app.example, ${NAMED}` });
  });
  afterAll(() => server.stop());

  const preflight = (path: string, origin: string) =>
    fetch(`${server.address}${path}`, {
      method: 'OPTIONS',
      headers: {
        Origin: origin,
        'Access-Control-Request-Method': 'PUT',
        'Access-Control-Request-Headers': 'authorization, if-match',
      },
    });

  test.each([
    '/fhir/metadata',
    '/fhir/.well-known/smart-configuration',
    '/.well-known/openid-configuration',
    '/auth/jwks',
  ])('S-CORS-01 %s may be read from everywhere', async (path) => {
    const answer = await preflight(path, 'https://stranger.example');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe('*');
    expect(answer.headers.has('Access-Control-Allow-Credentials')).toBe(false);
  });

  test.each(['/fhir/Patient/1', '/fhir', '/auth/token', '/auth/revoke', '/auth/introspect'])(
    'S-CORS-02 %s is for pages of named origins, with all that FHIR sends and answers',
    async (path) => {
      const answer = await preflight(path, NAMED);
      expect(answer.status).toBe(204);
      expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(NAMED);
      expect(answer.headers.get('Access-Control-Allow-Methods')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE');
      const allowed = answer.headers.get('Access-Control-Allow-Headers')?.split(', ') ?? [];
      expect(allowed).toEqual(
        expect.arrayContaining(['Authorization', 'Content-Type', 'If-Match', 'If-None-Exist', 'Prefer']),
      );
      const exposed = answer.headers.get('Access-Control-Expose-Headers')?.split(', ') ?? [];
      expect(exposed).toEqual(
        expect.arrayContaining(['ETag', 'Location', 'Content-Location', 'Last-Modified', 'WWW-Authenticate']),
      );
      expect(answer.headers.has('Access-Control-Allow-Credentials')).toBe(false);
    },
  );

  test.each([
    'https://stranger.example',
    'null',
    'https://app.example.stranger.example',
    'http://app.example',
    `${NAMED}0`,
  ])('S-CORS-03 a page of %s may not call, and no cache gives it the answer of another', async (origin) => {
    for (const path of ['/fhir/Patient/1', '/auth/token', '/auth/authorize', '/healthz']) {
      const answer = await preflight(path, origin);
      expect([path, answer.headers.get('Access-Control-Allow-Origin')]).toEqual([path, null]);
      expect(answer.headers.get('Vary')).toBe('Origin');
    }
  });

  test('S-CORS-03 no page signs anybody in, not even a named one', async () => {
    const answer = await preflight('/auth/authorize', NAMED);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBeNull();
  });

  test('S-CORS-03 refusals can be read too', async () => {
    const answer = await fetch(`${server.base}/Patient/none`, { headers: { Origin: NAMED } });
    expect(answer.status).toBe(404);
    expect(answer.headers.get('Access-Control-Allow-Origin')).toBe(NAMED);
    expect(answer.headers.get('Vary')).toBe('Origin');
    expect(await answer.json()).toMatchObject({ resourceType: 'OperationOutcome' });
  });

  test('who is no page sees nothing of it', async () => {
    const answer = await fetch(`${server.base}/Patient`);
    expect(answer.headers.has('Vary')).toBe(false);
    expect(answer.headers.has('Access-Control-Allow-Origin')).toBe(false);
  });
});

describe('TLS', () => {
  const files = () => ({ cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') });
  const put = async ({ cert, key }: { cert: string; key: string }) => {
    await writeFile(files().key, key);
    await writeFile(files().cert, cert);
  };

  /** The subject of the certificate that the server shows, and its answer. */
  async function shown(base: string, ca: string[]): Promise<{ subject: string; status: number }> {
    const asked = request(`${base}/Patient`, { ca, agent: false });
    asked.end();
    const [answer] = (await once(asked, 'response')) as [
      IncomingMessage & { socket: Pick<TLSSocket, 'getPeerCertificate'> },
    ];
    const subject = String(answer.socket.getPeerCertificate().subject.CN);
    answer.resume();
    return { subject, status: answer.statusCode ?? 0 };
  }

  test('SMART-231 it speaks https, TLS 1.2 or newer, links say so, and a new certificate is taken up while it runs', async () => {
    const [first, second] = [selfSigned('first'), selfSigned('second')];
    await put(first);
    const server = await start({ TLS_CERT: files().cert, TLS_KEY: files().key });
    try {
      expect(server.base).toMatch(/^https:\/\/127\.0\.0\.1:\d+\/fhir$/);
      expect(await shown(server.base, [first.cert])).toEqual({ subject: 'first', status: 200 });
      // A file that is half written changes nothing.
      await writeFile(files().cert, 'half a certificate');
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(await shown(server.base, [first.cert])).toEqual({ subject: 'first', status: 200 });
      await put(second);
      let now = await shown(server.base, [first.cert, second.cert]);
      for (let look = 0; look < 100 && now.subject !== 'second'; look += 1) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        now = await shown(server.base, [first.cert, second.cert]);
      }
      expect(now).toEqual({ subject: 'second', status: 200 });
      await expect(fetch(server.base.replace('https', 'http'))).rejects.toThrow();
    } finally {
      await server.stop();
    }
  });

  const sentence = async (settings: Record<string, string>): Promise<string | undefined> => {
    try {
      await (await start(settings)).stop();
      return 'it started';
    } catch (error) {
      return sentenceFor(error);
    }
  };

  test('what cannot work is refused with a sentence', async () => {
    const [mine, other] = [selfSigned('mine'), selfSigned('other')];
    await put({ cert: mine.cert, key: other.key });
    expect(await sentence({ TLS_CERT: files().cert })).toMatch(/TLS_CERT and TLS_KEY go together/);
    expect(await sentence({ TLS_CERT: files().cert, TLS_KEY: files().key })).toMatch(/TLS_CERT, TLS_KEY: .*mismatch/);
    expect(await sentence({ TLS_CERT: join(folder, 'none'), TLS_KEY: files().key })).toMatch(
      /TLS_CERT, TLS_KEY: .*ENOENT/,
    );
  });

  test.each([
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://app.example/'],
    ['CORS_ORIGINS', 'null'],
    ['TRUST_PROXY', 'true'],
    ['TRUST_PROXY', '10.0.0.0/33'],
    ['TRUST_PROXY', '10.0.0.0/0'],
    ['TRUST_PROXY', 'proxy.example'],
  ])('%s=%s is refused', (name, value) => {
    expect(() => readConfig({ [name]: value })).toThrow(new RegExp(`^${name}: `));
  });
});
