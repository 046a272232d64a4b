/** serve --demo: the world to try things out in, told on the screen and in a file of its owner. */
import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Demo } from '../auth/demo.js';
import { ConfigError, type Config } from '../config.js';
import { isLoopback } from '../http/guard.js';

/** `--demo` is smart mode, and its secrets are for this machine alone. */
export function demoConfig(config: Config): Config {
  if (!isLoopback(config.host))
    throw new ConfigError(`HOST: --demo listens on loopback only, not on "${config.host}".`);
  return { ...config, authorization: 'smart' };
}

/** Readable by the user who started the server, and nobody else: it holds every secret of the demo. */
export async function writeDemo({ dataDir }: Config, demo: Demo): Promise<string> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const file = join(dataDir, 'demo.json');
  const fresh = `${file}.new`;
  await writeFile(fresh, `${JSON.stringify(demo, undefined, 2)}\n`, { mode: 0o600 });
  // The mode counts only for a file that was not there.
  await chmod(fresh, 0o600);
  await rename(fresh, file);
  return file;
}

export function tellDemo(demo: Demo, file: string): string {
  const users = demo.users.map(
    ({ organization, password, role, username }) =>
      `    ${username.padEnd(12)}${password}   ${role} of ${organization}`,
  );
  const clients = demo.clients.map(({ client_id: id, name }) => `    ${id.padEnd(32)}${name}`);
  const app = demo.clients[0]?.client_id ?? '';
  return [
    'Demo. Everything here is made up, and new with every start.',
    '  sign in as (user, password)',
    ...users,
    '  clients',
    ...clients,
    `  secrets, keys, redirect URIs and how to launch: ${file}`,
    `  a SMART app starts with iss=${demo.fhir} and client_id=${app}`,
    `  what you allowed: ${demo.launch.url.replace(/launch$/, 'grants')}`,
  ].join('\n');
}
