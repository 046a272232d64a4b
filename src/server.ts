/** The roof: builds every part by hand, starts it, stops it in reverse. The only file that names an adapter. */
import { once } from 'node:events';
import type { Server } from 'node:http';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { operator } from './access/principal.js';
import { createFileBlobs } from './blob/files.js';
import type { Blobs } from './blob/port.js';
import { ConfigError, type Config } from './config.js';
import { instantText } from './fhir/datetime.js';
import { loadDefinitions } from './fhir/definitions.js';
import { capabilityStatement } from './http/fhir/capability.js';
import { createHttpServer, FHIR_PATH } from './http/app.js';
import { assert } from './kit/assert.js';
import { systemClock, type Clock } from './kit/clock.js';
import { requestId, unguessableToken } from './kit/id.js';
import { limits } from './kit/limits.js';
import { createLog } from './kit/log.js';
import { createMetrics } from './kit/metrics.js';
import { createRepository } from './repository/repository.js';
import { createExtract } from './search/extract.js';
import { createCursors } from './search/page.js';
import { createRegistry } from './search/registry.js';
import { seed } from './seed/seed.js';
import type { Store, Vault } from './store/port.js';
import { createValidator } from './validate/validator.js';

export interface RunningServer {
  /** The FHIR base URL that links show. */
  base: string;
  /** Where it listens. */
  address: string;
  /** What was stored of the shipped resources at this start. */
  seeded: string[];
  /** Lets requests under way end, then closes everything. */
  stop(): Promise<void>;
}

export async function startServer(config: Config, clock: Clock = systemClock): Promise<RunningServer> {
  refuseNetwork(config.host);
  const log = createLog(config.logLevel);
  const http = createHttpServer();
  http.server.listen(config.port, config.host);
  await once(http.server, 'listening');
  const address = addressOf(http.server, config.host);
  const base = config.baseUrl === '' ? `${address}${FHIR_PATH}` : config.baseUrl;

  const definitions = loadDefinitions();
  const registry = createRegistry(definitions);
  const { store, blobs } = await openStore(config, clock).catch((error: unknown) => {
    http.server.close();
    throw error;
  });
  const repository = createRepository({
    store,
    blobs,
    clock,
    validator: createValidator(definitions),
    extract: createExtract(registry, base),
  });
  const seeded = await seed({ id: requestId(), at: clock.now(), principal: operator }, repository);
  const metrics = createMetrics();
  let stopping = false;
  http.mount(
    {
      repository,
      registry,
      cursors: createCursors(await cursorKey(store.vault, clock)),
      base,
      capabilities: capabilityStatement({ definitions, registry, base, date: instantText(clock.now()) }),
      types: new Set(definitions.resourceTypes),
      principal: operator,
      clock,
      log,
      metrics,
      loopbackOnly: true,
    },
    { ping: () => store.ping(), stopping: () => stopping, metrics },
  );

  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    const closed = once(http.server, 'close');
    http.server.close();
    http.server.closeIdleConnections();
    const timer = setTimeout(() => http.server.closeAllConnections(), limits.drainMs);
    await closed;
    clearTimeout(timer);
    await blobs.close();
    await store.close();
  }
  return { base, address, seeded, stop };
}

async function openStore(config: Config, clock: Clock): Promise<{ store: Store; blobs: Blobs }> {
  if (config.store === 'mongodb') {
    // The driver takes 200 ms to load, so only those who use it pay.
    const { openMongoStore } = await import('./store/mongo/index.js');
    const { createGridFsBlobs } = await import('./blob/gridfs.js');
    const options = { url: config.mongodbUrl, database: config.mongodbDatabase, clock };
    return { store: await openMongoStore(options), blobs: await createGridFsBlobs(options) };
  }
  // Patients' data: for the user that runs the server alone.
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const { openSqliteStore } = await import('./store/sqlite/index.js');
  const blobs = await createFileBlobs({ folder: join(config.dataDir, 'blobs'), clock });
  return { store: openSqliteStore({ file: join(config.dataDir, 'afferent.sqlite'), clock }), blobs };
}

function addressOf(server: Server, host: string): string {
  const address = server.address();
  assert(typeof address === 'object' && address !== null, 'a server that listens has an address');
  return `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`;
}

/** Nobody signs in yet, so only the operator's own machine may call. */
function refuseNetwork(host: string): void {
  if (host === 'localhost' || host === '::1' || /^127(\.[0-9]{1,3}){3}$/.test(host)) return;
  throw new ConfigError(
    `HOST: "${host}" is not a loopback address. Open mode has no authorization and never leaves this machine.`,
  );
}

const YEAR_MS = 365 * 24 * 3600 * 1000;

/** Shared by all processes on one store, so that a page begun at one goes on at another. */
async function cursorKey(vault: Vault, clock: Clock): Promise<string> {
  await vault.putIfAbsent('cursor-key', unguessableToken(), clock.now() + YEAR_MS);
  const key = await vault.get('cursor-key');
  assert(key !== undefined, 'the cursor key was just put into the vault');
  return key;
}
