/** After the last test: stops the mongod that `mongod.ts` started, and removes its data and all other files of the run. */
import type { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { once } from 'node:events';
import { leaveMemory } from './memory.js';

export default async function stopMongod(): Promise<void> {
  const { afferentReplSet } = globalThis as { afferentReplSet?: MongoMemoryReplSet };
  for (const server of afferentReplSet?.servers ?? []) {
    const mongod = server.instanceInfo?.instance.mongodProcess;
    // Its data is thrown away: an orderly end would only cost a second.
    if (mongod?.kill('SIGKILL') === true) await once(mongod, 'exit');
  }
  await afferentReplSet?.stop({ doCleanup: true, force: true });
  leaveMemory();
}
