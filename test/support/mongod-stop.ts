/** After the last test: stops the mongod that `mongod.ts` started, and removes its data. */
import type { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { once } from 'node:events';

export default async function stopMongod(): Promise<void> {
  const { afferentReplSet } = globalThis as { afferentReplSet?: MongoMemoryReplSet };
  for (const server of afferentReplSet?.servers ?? []) {
    const mongod = server.instanceInfo?.instance.mongodProcess;
    // Its data is thrown away: an orderly end would only cost a second.
    if (mongod?.kill('SIGKILL') === true) await once(mongod, 'exit');
  }
  await afferentReplSet?.stop({ doCleanup: true, force: true });
}
