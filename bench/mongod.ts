/**
 * npm run mongod: a MongoDB replica set to throw away, for trying out and for the bench. It runs until Ctrl-C (or
 * SIGTERM), and its data go with it. `-- --nodes 3 --port 27117`.
 */
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import type { MongoMemoryReplSet } from 'mongodb-memory-server-core';
import { findMongod, startReplSet } from '../test/support/mongod.js';

const { nodes, port } = options();
const mongod = await findMongod();
if ('reason' in mongod) fail(mongod.reason);
console.error(`Starting ${nodes === 1 ? 'one node' : `${nodes} nodes`} of ${mongod.path} ...`);
const set = await startReplSet(mongod.path, [], { nodes, port });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => void stop(set));
console.error('Ready. In another terminal:');
console.log(`STORE=mongodb MONGODB_URL='${set.getUri()}' npm start`);
console.error('Ctrl-C stops it and removes its data.');

function options(): { nodes: number; port: number } {
  const { values } = parseArgs({
    options: { nodes: { type: 'string', default: '1' }, port: { type: 'string', default: '27117' } },
  });
  const [count, first] = [Number(values.nodes), Number(values.port)];
  if (count !== 1 && count !== 3) fail(`--nodes is 1 or 3, not "${values.nodes}".`);
  if (!Number.isInteger(first) || first < 0 || first > 65_535 - count)
    fail(`--port is a number from 0 (any) to ${65_535 - count}, not "${values.port}".`);
  return { nodes: count, port: first };
}

async function stop({ servers }: MongoMemoryReplSet): Promise<void> {
  for (const server of servers) {
    const node = server.instanceInfo?.instance.mongodProcess;
    // Its data is thrown away: an orderly end would only cost time.
    if (node?.exitCode === null && node.kill('SIGKILL')) await once(node, 'exit');
  }
  await set.stop({ doCleanup: true, force: true });
  process.exit(0);
}

function fail(reason: string): never {
  console.error(reason);
  process.exit(1);
}
