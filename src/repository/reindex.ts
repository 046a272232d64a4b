/**
 * Search values made anew. They are made by the rules of the release that wrote them; when the rules change, or the base
 * URL under which absolute references are the server's own, those of the stored resources are made again, in small
 * batches that others' writes go between. Until that is done a search would miss without a word, so it is refused.
 */
import { linkedTo } from '../fhir/links/index.js';
import { FhirError } from '../fhir/outcome.js';
import type { Resource } from '../fhir/types.js';
import { parseJson } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import { createExtract } from '../search/extract.js';
import { indexFingerprint } from '../search/fingerprint.js';
import type { Entry } from '../search/plan.js';
import type { SearchRegistry } from '../search/registry.js';
import { SECURITY, SHOWS } from '../search/shown.js';
import { REFERS, type Change, type Position, type Store, type Version } from '../store/port.js';

/** How search values are made, and a text that differs when they would be made differently. */
export interface Indexing {
  extract: (resource: Resource) => Entry[];
  fingerprint: string;
}

/**
 * Beside what parameters find, each resource says what it refers to: whoever deletes that must know. And what bytes it
 * shows, for whoever may see them because they see the resource.
 */
export function createIndexing(registry: SearchRegistry, base: string): Indexing {
  const extract = createExtract(registry, base);
  return {
    extract(resource) {
      const entries = extract(resource);
      const { refers, shows } = linkedTo(resource, registry.definitions, base);
      for (const value of refers) entries.push({ param: REFERS, value, detail: '' });
      for (const value of shows) entries.push({ param: SHOWS, value, detail: '' });
      if (resource.resourceType === 'Binary')
        for (const value of refers) entries.push({ param: SECURITY, value, detail: '' });
      return entries;
    },
    fingerprint: `${indexFingerprint(registry)} ${REFERS} ${SHOWS} ${SECURITY} ${base}`,
  };
}

/** A version with the search values that it has by these rules; undefined for one that they allow no more. */
export function withEntries({ extract }: Pick<Indexing, 'extract'>, version: Version): Change | undefined {
  const { text } = version;
  try {
    return { ...version, entries: text === undefined ? [] : extract(parseJson(text, limits.depth) as Resource) };
  } catch (error) {
    if (error instanceof FhirError) return undefined;
    throw error;
  }
}

/** Whether the stored search values are not those of these rules. A store that holds nothing yet is marked as theirs. */
export async function isStale({ keeping }: Store, { fingerprint }: Indexing): Promise<boolean> {
  const made = await keeping.note('index');
  if (made === fingerprint) return false;
  const { items } = await keeping.currents({ size: 1 });
  if (items.length > 0) return true;
  await keeping.setNote('index', fingerprint);
  return false;
}

export interface Reindexing {
  /** Resources in one batch: a server that answers meanwhile takes small ones. */
  batch: number;
  /** Told after each batch how many resources are done, and how many of them keep the values that they had. */
  progress: (done: number, kept: number) => void;
  /** Ends it after the batch under way. */
  signal?: AbortSignal;
}

interface Note {
  fingerprint: string;
  after: Position | undefined;
  done: number;
  kept: number;
}

/** Goes on where it was interrupted; says how many resources it went through in all. */
export async function reindex(
  store: Store,
  indexing: Indexing,
  { batch, progress, signal }: Reindexing,
): Promise<number> {
  const { keeping } = store;
  let { after, done, kept } = await placeOf(store, indexing);
  // From now on there are values of both kinds, whoever looks.
  await keeping.setNote('index', undefined);
  while (signal?.aborted !== true) {
    const page = await keeping.currents({ size: batch, ...(after === undefined ? {} : { after }) });
    // A version that is replaced meanwhile has new values already: its writer knows the same rules.
    const changes = page.items
      .map((version) => withEntries(indexing, version))
      .filter((change) => change !== undefined);
    if (changes.length > 0) await keeping.reindex(changes);
    done += page.items.length;
    kept += page.items.length - changes.length;
    progress(done, kept);
    if (page.next === undefined) {
      await keeping.setNote('index', indexing.fingerprint);
      await keeping.setNote('reindexing', undefined);
      return done;
    }
    after = page.next;
    const note: Note = { fingerprint: indexing.fingerprint, after, done, kept };
    await keeping.setNote('reindexing', JSON.stringify(note));
  }
  return done;
}

async function placeOf({ keeping }: Store, { fingerprint }: Indexing): Promise<Note> {
  const text = await keeping.note('reindexing');
  const note = text === undefined ? undefined : (JSON.parse(text) as Note);
  return note?.fingerprint === fingerprint ? note : { fingerprint, after: undefined, done: 0, kept: 0 };
}
