/**
 * A process of its own that issues every kind of secret and makes every kind of mistake with them: the server's log, at
 * its most talkative, goes to standard output, and the secrets go to standard error. They should have nothing in common.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import {
  assertion,
  backend,
  basic,
  clientOf,
  fhir,
  getTokens,
  movedClock,
  post,
  redeem,
  type SmartServer,
} from './smart.js';

const folder = await mkdtemp(join(tmpdir(), 'afferent-logged-'));
const settings = { PORT: '0', LOG_LEVEL: 'trace', AUTHORIZATION: 'smart', DATA_DIR: folder };
const clock = movedClock();
const running = await startServer(readConfig(settings), clock);
const server: SmartServer = {
  base: running.base,
  issuer: running.auth!.ground.issuer,
  demo: await running.makeDemo(),
  auth: running.auth!,
  clock,
  settings,
};

const app = clientOf(server, 'app').client_id;
const { code, tokens, verifier, visitor } = await getTokens(server, {
  ask: { scope: 'patient/*.rs openid offline_access' },
});
const { body: refreshed } = await post(server, 'token', {
  grant_type: 'refresh_token',
  refresh_token: tokens.refresh_token,
  client_id: app,
});
const { body: system } = await backend(server);
const signed = await assertion(server);
const { body: launch } = await post(
  server,
  'launch',
  { ...server.demo.launch.form },
  { Authorization: `Bearer ${system.access_token}` },
);

// And everything wrong: where an error might tell what it was about.
await redeem(server, code, verifier);
await redeem(server, refreshed.access_token, tokens.id_token, { client_secret: verifier });
await backend(server, { claims: { jti: tokens.access_token, exp: 1 } });
await post(server, 'token', { grant_type: refreshed.refresh_token, client_id: app });
await post(
  server,
  'introspect',
  { token: refreshed.access_token },
  { Authorization: `Bearer ${refreshed.refresh_token}` },
);
await fhir(server, `Patient?access_token=${refreshed.access_token}`);
await fhir(server, `Patient/${refreshed.access_token}`, system.access_token);
await fhir(server, `Patient?${refreshed.access_token}=1`, system.access_token);
await fetch(`${server.issuer}/auth/continue?transaction=${launch.launch}`);
await fetch(`${server.issuer}/${refreshed.access_token}`);
running.auth!.ground.vault.get = () => Promise.reject(new Error('the store is away'));
await fhir(server, 'Patient', tokens.access_token);
await post(server, 'token', { grant_type: 'refresh_token', refresh_token: refreshed.refresh_token, client_id: app });

const secrets = [
  code,
  verifier,
  signed,
  launch.launch,
  system.access_token,
  ...[tokens, refreshed].flatMap((one) => [one.access_token, one.refresh_token, one.id_token]),
  ...server.demo.users.map(({ password }) => password),
  ...server.demo.clients.flatMap(({ client_secret: secret, privateKey }) => [secret, privateKey?.d]),
  ...visitor.cookies.values(),
  basic(clientOf(server, 'portal')).Authorization,
].filter((secret) => typeof secret === 'string');
process.stderr.write(JSON.stringify(secrets));
await running.stop();
await rm(folder, { recursive: true, force: true });
