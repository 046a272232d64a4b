/** Fills a store with the bench's world: through the store port, with all search values, in big batches. */
import { operator } from '../src/access/principal.js';
import { loadDefinitions } from '../src/fhir/definitions.js';
import { systemClock } from '../src/kit/clock.js';
import { createIndexing } from '../src/repository/reindex.js';
import { finalText, stamped } from '../src/repository/version.js';
import { createRegistry } from '../src/search/registry.js';
import type { Change, Store } from '../src/store/port.js';
import { createValidator } from '../src/validate/validator.js';
import { storedAt, type World } from './data.js';
import { resourceAt } from './resources.js';

export interface Filled {
  resources: number;
  /** Bytes of all resources as JSON. */
  jsonBytes: number;
  seconds: number;
}

const BATCH = 500;
/** So many are checked as the server would; the others are made by the same hands. */
const CHECKED = 200;

export async function fill(store: Store, world: World): Promise<Filled> {
  const started = performance.now();
  const change = changes(world);
  await store.keeping.setNote('index', indexing().fingerprint);
  let jsonBytes = 0;
  for (let from = 0; from < world.size; from += BATCH) {
    const batch = Array.from({ length: Math.min(BATCH, world.size - from) }, (_, at) => change(from + at));
    await store.write(batch);
    jsonBytes += batch.reduce((sum, { text }) => sum + Buffer.byteLength(text ?? ''), 0);
  }
  return { resources: world.size, jsonBytes, seconds: (performance.now() - started) / 1000 };
}

/** What the measured server links to, whatever port it gets: search values depend on it. */
export const BASE_URL = 'http://127.0.0.1/fhir';
const indexing = () => createIndexing(createRegistry(loadDefinitions()), BASE_URL);

/** Resource number i as the first version that a create would have stored. */
export function changes(world: World): (index: number) => Change {
  const definitions = loadDefinitions();
  const validator = createValidator(definitions);
  const { extract } = indexing();
  return (index) => {
    const made = resourceAt(world, index);
    if (index < CHECKED) {
      const errors = validator.validate(made).filter(({ severity }) => severity === 'error');
      if (errors.length > 0) throw new Error(`The bench made an invalid resource: ${JSON.stringify(errors)}`);
    }
    const updated = storedAt(index);
    const resource = stamped(made, { id: made.id, version: 1, updated });
    return {
      type: made.resourceType,
      id: made.id,
      version: 1,
      updated,
      owner: operator.owner,
      method: 'PUT',
      text: finalText(resource),
      entries: extract(resource),
    };
  };
}

export async function openStore(settings: Record<string, string>): Promise<Store> {
  if (settings.STORE === 'mongodb') {
    const { openMongoStore } = await import('../src/store/mongo/index.js');
    const { MONGODB_URL: url = '', MONGODB_DATABASE: database = '' } = settings;
    return openMongoStore({ url, database, clock: systemClock });
  }
  const { openSqliteStore } = await import('../src/store/sqlite/index.js');
  return openSqliteStore({ file: `${settings.DATA_DIR ?? ''}/afferent.sqlite`, clock: systemClock });
}
