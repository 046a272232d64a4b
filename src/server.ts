/** The roof: builds every part by hand, starts it, stops it in reverse. The only file that names an adapter. */
import { once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createAccess } from './access/constraint.js';
import { refuseUnruled } from './access/policy.js';
import { operator } from './access/principal.js';
import { createAudit } from './audit/index.js';
import { makeDemo, type Demo } from './auth/demo.js';
import type { Authenticate } from './auth/bearer.js';
import { createAuth, type Auth } from './auth/index.js';
import { createFileBlobs } from './blob/files.js';
import type { Blobs } from './blob/port.js';
import { ConfigError, isAudited, type Config } from './config.js';
import { instantText } from './fhir/datetime.js';
import { routes } from './http/fhir/routes.js';
import { capabilityStatement } from './http/fhir/capability.js';
import { createHttpServer, FHIR_PATH, type HttpServer } from './http/app.js';
import { isLoopback } from './http/guard.js';
import { addressOf } from './http/listener.js';
import { smartStylePath } from './http/auth/style.js';
import { keepTlsFresh, readTls, type TlsFiles } from './http/tls.js';
import { assert } from './kit/assert.js';
import { systemClock, type Clock } from './kit/clock.js';
import { limits, type Limits } from './kit/limits.js';
import { createLog } from './kit/log.js';
import { createMetrics } from './kit/metrics.js';
import { collectPeriodically, createCollector } from './repository/collect.js';
import { tellEndsPeriodically } from './repository/emergency/ends.js';
import { keepIndexed } from './repository/indexed.js';
import { createAside } from './repository/prepare/aside.js';
import { createPrepare } from './repository/prepare/prepare.js';
import { createIndexing } from './repository/reindex.js';
import { createRepository } from './repository/repository.js';
import { sharedRules } from './repository/rules.js';
import { keepOpen } from './repository/sharing/keep.js';
import { createCursors } from './search/page.js';
import { startSeeding } from './seed/start.js';
import type { Store } from './store/port.js';
import { sharedSecret } from './store/secret.js';
import { refuseHalf } from './transfer/fill.js';
import { createAnswering, createCheckReady } from './validate/answering.js';
import { createResponseCheck } from './validate/response.js';

export interface RunningServer {
  /** The FHIR base URL that links show. */
  base: string;
  /** Where it listens. */
  address: string;
  /** What was stored of the shipped resources at this start. */
  seeded: string[];
  /** The authorization server; undefined in open mode. */
  auth: Auth | undefined;
  /** Makes what is needed to try smart mode out, and tells the secrets of it. */
  makeDemo(): Promise<Demo>;
  /** Lets requests under way end, then closes everything. */
  stop(): Promise<void>;
}

export async function startServer(
  config: Config,
  clock: Clock = systemClock,
  bounds: Limits = limits,
  authenticate?: Authenticate,
): Promise<RunningServer> {
  refuseNetwork(config);
  const tls = tlsOf(config);
  const http = createHttpServer(bounds, {
    ...(tls === undefined ? {} : { tls }),
    trustProxy: config.trustProxy,
    isNamedOrigin: (origin) => config.corsOrigins.includes(origin),
  });
  http.server.listen(config.port, config.host);
  await once(http.server, 'listening');
  const parts: { close(): Promise<void> }[] = [];
  try {
    return await serveOn(http, config, clock, bounds, parts, authenticate);
  } catch (error) {
    http.server.close();
    http.server.closeAllConnections();
    for (const part of parts.toReversed()) await part.close();
    throw error;
  }
}

/** `parts` takes what must be closed, in the order in which it was opened, also when the start fails half way. */
async function serveOn(
  http: HttpServer,
  config: Config,
  clock: Clock,
  bounds: Limits,
  parts: { close(): Promise<void> }[],
  authenticate: Authenticate | undefined,
): Promise<RunningServer> {
  const log = createLog(config.logLevel, config.logFile);
  const address = addressOf(http.server, config.host);
  const tls = tlsOf(config);
  if (tls !== undefined && 'setSecureContext' in http.server) {
    const kept = keepTlsFresh(http.server, tls, (err) => {
      log.error({ err }, 'the new certificate cannot be used; the old one stays');
    });
    parts.push(kept);
  }
  const base = config.baseUrl === '' ? `${address}${FHIR_PATH}` : config.baseUrl;
  const isSmart = config.authorization === 'smart';
  if (isSmart) refuseBase(base, config);

  const { definitions, registry, validator } = sharedRules();
  refuseUnruled(routes, definitions);
  const { store, blobs } = await openStore(config, clock);
  parts.push(store, blobs);
  await refuseHalf(store);
  const indexing = createIndexing(registry, base);
  const indexed = await keepIndexed(store, indexing, log);
  parts.push(indexed, collectPeriodically(createCollector({ store, blobs, clock }), log));
  const audit = isAudited(config)
    ? createAudit({
        log: store.audit,
        clock,
        base,
        days: config.auditDays,
        lost: (err) => log.error({ err }, 'records of the audit trail whose time is over could not be removed'),
      })
    : undefined;
  if (audit !== undefined) parts.push(audit);
  const aside = createAside({
    base,
    prepare: createPrepare({
      ...{ definitions, validator, base },
      extract: indexing.extract,
      answers: createAnswering(createCheckReady(definitions)),
    }),
    lost: (err) => {
      log.error({ err }, 'large bodies hold everybody up: their thread is lost');
    },
  });
  parts.push(aside);
  const access = createAccess(registry, base);
  const open = await keepOpen({
    ...{ store, base, registry, clock, log, indexing: indexing.fingerprint, indexed: indexed.ready },
    shares: isSmart || authenticate !== undefined,
    endMs: config.referralDays * DAY_MS,
    enforced: config.integrity === 'enforce',
  });
  parts.push(open);
  const repository = createRepository({
    store: indexed.store,
    ...{ access, base, blobs, clock, registry, validator },
    prepare: (task) => aside.prepare(task),
    extract: indexing.extract,
    responses: createResponseCheck({ definitions, base, required: config.requireQuestionnaire }),
    integrity: config.integrity,
    ...{ sharing: open.sharing, isJudging: open.isJudging },
    audit: audit?.record,
    emergencyMs: config.breakGlassMinutes * 60_000,
    deletesMultiple: config.conditionalDelete === 'multiple',
    requiresIfMatch: config.requireIfMatch,
    audited: audit !== undefined,
  });
  if (isSmart) parts.push(tellEndsPeriodically(repository.emergencies, log));
  const seeded = await startSeeding({ indexed, clock, log, repository });
  await open.ready;
  const types = new Set(definitions.resourceTypes);
  const auth = isSmart
    ? createAuth({
        ...{ vault: store.vault, clock, base, types, repository, registry, config },
        passwordRounds: bounds.passwordRounds,
        stylePath: smartStylePath,
      })
    : undefined;
  const metrics = createMetrics();
  let stopping = false;
  http.mount(
    {
      repository,
      registry,
      cursors: createCursors(await sharedSecret('cursor-key', store.vault, clock)),
      base,
      capabilities: capabilityStatement({
        definitions,
        registry,
        base,
        date: instantText(clock.now()),
        conditionalDelete: config.conditionalDelete,
        enforced: config.integrity === 'enforce',
        audited: audit !== undefined,
        ...(auth === undefined ? {} : { oauthUris: auth.discovery.oauthUris }),
      }),
      types,
      authenticate: authenticate ?? auth?.authenticate ?? (() => operator),
      access,
      clock,
      log,
      metrics,
      loopbackOnly: auth === undefined,
      audit,
    },
    { ping: () => store.ping(), stopping: () => stopping, metrics },
    auth === undefined
      ? undefined
      : { auth, audit, log, secret: await sharedSecret('session-secret', store.vault, clock) },
  );

  async function stop(): Promise<void> {
    if (stopping) return;
    stopping = true;
    const closed = once(http.server, 'close');
    http.server.close();
    http.server.closeIdleConnections();
    // A connection that was busy when the stop began is idle as soon as its request is answered.
    const idle = setInterval(() => http.server.closeIdleConnections(), 50);
    const timer = setTimeout(() => http.server.closeAllConnections(), limits.drainMs);
    await closed;
    clearInterval(idle);
    clearTimeout(timer);
    for (const part of parts.toReversed()) await part.close();
    await log.written();
  }
  function demo(): Promise<Demo> {
    assert(auth !== undefined, 'a demo is in smart mode');
    return makeDemo({ ...auth, repository, clock, base, issuer: auth.ground.issuer });
  }
  return { base, address, seeded, auth, makeDemo: demo, stop };
}

/** What a command opens too that works without HTTP. */
export async function openStore(config: Config, clock: Clock): Promise<{ store: Store; blobs: Blobs }> {
  if (config.store === 'mongodb') {
    // The driver takes 200 ms to load, so only those who use it pay.
    const { openMongoStore } = await import('./store/mongo/index.js');
    const { createGridFsBlobs } = await import('./blob/gridfs.js');
    const options = { url: config.mongodbUrl, database: config.mongodbDatabase, clock };
    const store = await openMongoStore({ ...options, fields: config.mongodbFields === 'on' });
    const blobs = await createGridFsBlobs(options).catch(async (error: unknown) => {
      await store.close();
      throw error;
    });
    return { store, blobs };
  }
  // Patients' data: for the user that runs the server alone.
  await mkdir(config.dataDir, { recursive: true, mode: 0o700 });
  const { openSqliteStore } = await import('./store/sqlite/index.js');
  const blobs = await createFileBlobs({ folder: join(config.dataDir, 'blobs'), clock });
  return { store: openSqliteStore({ file: join(config.dataDir, 'afferent.sqlite'), clock }), blobs };
}

/** The files of the certificate and its key. Throws when they are not there, or do not belong together. */
function tlsOf({ tlsCert: cert, tlsKey: key }: Config): TlsFiles | undefined {
  if (cert === '' && key === '') return undefined;
  if (cert === '' || key === '') throw new ConfigError('TLS_CERT and TLS_KEY go together: give both, or neither.');
  try {
    readTls({ cert, key });
  } catch (error) {
    throw new ConfigError(`TLS_CERT, TLS_KEY: ${error instanceof Error ? error.message : String(error)}`);
  }
  return { cert, key };
}

/** In open mode only the operator's own machine may call; and no token goes over a network that others can read. */
function refuseNetwork({ authorization, host, tlsCert, trustProxy }: Config): void {
  if (isLoopback(host)) return;
  if (authorization === 'open') {
    throw new ConfigError(
      `HOST: "${host}" is not a loopback address. Open mode has no authorization and never leaves this machine: set AUTHORIZATION=smart.`,
    );
  }
  if (tlsCert === '' && trustProxy.length === 0) {
    throw new ConfigError(
      `HOST: "${host}" is not a loopback address, and tokens need https: set TLS_CERT and TLS_KEY, or TRUST_PROXY with the proxy that has them.`,
    );
  }
}

/** The authorization server stands beside `/fhir`, and its cookies need to know whether it is reached by https. */
function refuseBase(base: string, { tlsCert, trustProxy }: Config): void {
  if (!base.endsWith(FHIR_PATH)) {
    throw new ConfigError(`BASE_URL: "${base}" has to end in ${FHIR_PATH} when AUTHORIZATION=smart.`);
  }
  if (base.startsWith('https:') && tlsCert === '' && trustProxy.length === 0) {
    throw new ConfigError('BASE_URL is https: set TLS_CERT and TLS_KEY, or TRUST_PROXY with the proxy that has them.');
  }
}

const DAY_MS = 24 * 3600 * 1000;
