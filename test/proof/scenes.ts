/** Where proofs by killing play: a server on a store, and what falls and comes back. */
import { send } from './client.js';
import type { StoreSettings } from './index.js';
import { startReplicaSet, until, type ReplicaSet } from './mongods.js';
import { freePort, onFreshData, startServer, type Environment, type Server } from './server.js';

export interface Scene {
  base: string;
  /** kill -9, and all that brings it back; resolves when the server says that it is ready. */
  strike: () => Promise<void>;
  /** What a command on the same data is given. */
  environment: Environment;
}

/** TABLE: what is killed. */
export type Victim = 'server' | 'mongod' | 'primary of three';

export async function onScene<T>(
  victim: Victim,
  settings: StoreSettings,
  work: (scene: Scene) => Promise<T>,
  more: Record<string, string> = {},
): Promise<T> {
  if (settings.STORE === 'sqlite') return onServer({ ...settings, ...more }, work);
  const set = await startReplicaSet(victim === 'primary of three' ? 3 : 1);
  try {
    return await onServer(
      { STORE: 'mongodb', MONGODB_URL: set.url, ...more },
      work,
      victim === 'server' ? undefined : set,
    );
  } finally {
    await set.stop();
  }
}

/** Kills the server, or the primary of the replica set where one is given. */
function onServer<T>(settings: StoreSettings, work: (scene: Scene) => Promise<T>, set?: ReplicaSet): Promise<T> {
  return onFreshData(settings, 'killed', async (data) => {
    const environment = { ...data, PORT: String(await freePort()) };
    let server = await startServer(environment);
    const strike = async () => {
      if (set === undefined) {
        await server.kill();
        server = await startServer(environment);
      } else {
        await set.killPrimary();
        await set.whole();
      }
      await ready(server);
    };
    try {
      return await work({ base: server.base, strike, environment });
    } finally {
      await server.stop();
    }
  });
}

async function ready({ base }: Server): Promise<void> {
  const url = new URL('/readyz', base).href;
  await until('the server to be ready', async () => (await send(url)).status === 200);
}
