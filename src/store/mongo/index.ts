/** The MongoDB store: opens the client with fixed settings, checks them, and hands out the port. Loaded only when asked for. */
import { limits } from '../../kit/limits.js';
import type { Clock } from '../../kit/clock.js';
import type { Store } from '../port.js';
import { createAudit } from './audit.js';
import { prepare, type Collections } from './schema.js';
import { connect } from './client.js';
import { createErasing } from './erase.js';
import { createFeed } from './feed.js';
import { createHistory } from './history.js';
import { createKeeping } from './keeping.js';
import { createSharing } from './openings.js';
import type { Parts } from './parts.js';
import { createRead } from './read.js';
import { createSearch } from './search.js';
import { createCurrent } from './terms.js';
import { createVault } from './vault.js';
import { createWrite } from './write.js';
import { answered } from './errors.js';

export interface MongoStoreOptions {
  url: string;
  database?: string;
  clock: Clock;
  /** Whether the fields of what is written are stored beside its text, for an operator's own queries. */
  fields?: boolean;
  /** Milliseconds that mongod may work at one operation. */
  operationMs?: number;
  /** Milliseconds after which a write that meets trouble is given up. */
  writeMs?: number;
  /** Milliseconds to wait for a primary. */
  selectionMs?: number;
  /** Resources on one side of a chain or `_has`. */
  joinTargets?: number;
  /** Milliseconds that a deletion of what nobody may refer to waits for those who are writing a reference to it. */
  graceMs?: number;
}

export async function openMongoStore(options: MongoStoreOptions): Promise<Store> {
  const settings = {
    clock: options.clock,
    fields: options.fields ?? false,
    operationMs: options.operationMs ?? 10_000,
    writeMs: options.writeMs ?? 15_000,
    joinTargets: options.joinTargets ?? limits.joinTargets,
    graceMs: options.graceMs ?? 200,
  };
  const client = await connect(options.url, options.selectionMs ?? 10_000);
  let collections: Collections;
  try {
    collections = await prepare(client.db(options.database ?? 'afferent'));
  } catch (error) {
    await client.close();
    throw error;
  }
  const parts: Parts = { ...settings, client, collections };
  const { search, count, countIn } = createSearch(parts);
  const current = createCurrent(client, collections.meta, settings.operationMs);
  const { read, version, ownersOf, having, blobsInUse } = createRead(parts);
  const audit = createAudit(parts);
  const sharing = createSharing(parts);
  return {
    write: createWrite(parts, countIn, audit),
    read: current(read),
    version: current(version),
    ownersOf: current(ownersOf),
    having: current(having),
    blobsInUse: current(blobsInUse),
    history: current(createHistory(parts)),
    search: current(search),
    count: current(count),
    changes: createFeed(parts),
    sharing: {
      of: current((via) => sharing.of(via)),
      via: current((keys) => sharing.via(keys)),
      named: current((...asked) => sharing.named(...asked)),
    },
    vault: createVault(parts),
    keeping: createKeeping(parts),
    erasing: createErasing(parts),
    audit: audit.log,
    async ping() {
      await answered(client.db('admin').command({ ping: 1 }, { timeoutMS: PING_MS }));
    },
    async close() {
      await audit.close().catch(() => undefined);
      await client.close();
    },
  };
}

const PING_MS = 2000;
