/**
 * Looks at all that changed, through the history of the whole server, and compares it with the ledger: every
 * acknowledged version is there, byte by byte; nothing is there that was refused or that nobody asked for; a transaction
 * is there with both its resources or not at all; versions have no gap and none comes twice; what is read and what is
 * found by search is what the history says.
 */
import assert from 'node:assert/strict';
import { entries, pages, patiently, rawResources } from './client.js';
import { DELETED, hashOf, type Ledger } from './ledger.js';
import { SYSTEM } from './races.js';

export interface Witness {
  /** Throws when something is not as it must be. Nobody may write meanwhile. */
  look(): Promise<void>;
  /** How many versions were seen. */
  versions(): number;
}

interface Seen {
  /** The hash of each version, from the first one on. */
  hashes: string[];
  /** Undefined for a deletion. */
  current: { text: string; marker: string } | undefined;
  older: string[];
}

interface Told {
  name: string;
  version: number;
  text: string | undefined;
  marker: string | undefined;
}

export function createWitness(base: string, ledger: Ledger): Witness {
  const seen = new Map<string, Seen>();
  const counts = new Map<string, number>();
  const checked = new Set<string>();
  let versions = 0;
  let since: string | undefined;

  async function look(): Promise<void> {
    const touched = new Set<string>();
    const fresh: string[] = [];
    for (const { name, version, text, marker } of await told()) {
      const one = seen.get(name) ?? { hashes: [], current: undefined, older: [] };
      seen.set(name, one);
      const hash = hashOf(text);
      const before = one.hashes[version - 1];
      if (before !== undefined) {
        assert.equal(hash, before, `${name} version ${version} is not as it was before`);
        continue;
      }
      assert.equal(version, one.hashes.length + 1, `${name} has a gap before version ${version}`);
      one.hashes.push(hash);
      versions += 1;
      judge(name, version, hash, marker);
      if (marker !== undefined) {
        counts.set(marker, (counts.get(marker) ?? 0) + 1);
        fresh.push(marker);
      }
      if (one.current !== undefined) one.older.push(one.current.marker);
      one.current = text === undefined || marker === undefined ? undefined : { text, marker };
      touched.add(name);
    }
    for (const marker of fresh) {
      const whole = ledger.markers.get(marker)?.versions;
      assert.equal(counts.get(marker), whole, `HALF or twice: ${marker} has not ${whole} versions`);
    }
    const missing = [...ledger.acknowledged.keys()].filter((key) => !checked.has(key));
    assert.deepEqual(missing.slice(0, 10), [], `LOST: ${missing.length} acknowledged versions are not there`);
    await Promise.all([readAll(touched), findAll(touched)]);
  }

  /** Of what is not known before: it was acknowledged so, or its outcome is not known. */
  function judge(name: string, version: number, hash: string, marker: string | undefined): void {
    const key = `${name}/_history/${version}`;
    const acknowledged = ledger.acknowledged.get(key);
    if (acknowledged !== undefined) {
      assert.equal(hash, acknowledged, `${key} is not as it was acknowledged`);
      checked.add(key);
    } else if (hash === DELETED) assert.ok(ledger.perhapsDeleted.has(name), `${name} was deleted by nobody`);
    else {
      const fate = marker === undefined ? undefined : ledger.markers.get(marker)?.fate;
      assert.equal(fate, 'unknown', `${key} is there, but what became of ${marker} was told as ${fate}`);
    }
  }

  /** What the history of the server tells of since the last look, oldest first. */
  async function told(): Promise<Told[]> {
    const found: Told[] = [];
    const url = `${base}/_history?_count=1000${since === undefined ? '' : `&_since=${encodeURIComponent(since)}`}`;
    let newest: string | undefined;
    for await (const { text, bundle } of pages(url)) {
      const texts = rawResources(text, bundle, 'request');
      (bundle.entry ?? []).forEach(({ fullUrl, response, resource }: any, at: number) => {
        newest = [newest ?? '', response.lastModified].toSorted().at(-1);
        const name = String(fullUrl).slice(String(fullUrl).lastIndexOf('/Basic/') + 1);
        if (!name.startsWith('Basic/')) return;
        const version = Number(/\d+/.exec(response.etag)?.[0]);
        found.push({ name, version, text: texts[at], marker: resource?.identifier[0].value });
      });
    }
    since = newest ?? since;
    return found.reverse();
  }

  /** A read and the history of the resource itself say the same as the history of the server. */
  async function readAll(names: Set<string>): Promise<void> {
    await inParallel([...names], async (name) => {
      const one = seen.get(name);
      const { status, text } = await patiently(`${base}/${name}`);
      if (one?.current === undefined) assert.equal(status, 410, `${name} was deleted, and a read gives ${status}`);
      else assert.equal(text, one.current.text, `a read of ${name} gives another text than the history`);
      const own = await entries(`${base}/${name}/_history?_count=1000`);
      assert.deepEqual(
        own.map(({ response }) => response.etag),
        one?.hashes.map((_, at) => `W/"${at + 1}"`).reverse(),
        `the history of ${name} is not that of the server`,
      );
    });
  }

  /** Each resource is found by the values in its text, and by no older ones. */
  async function findAll(names: Set<string>): Promise<void> {
    const expected = new Map<string, string[]>();
    for (const name of names) {
      const { current, older = [] } = seen.get(name) ?? {};
      for (const marker of older) expected.set(marker, expected.get(marker) ?? []);
      if (current !== undefined) expected.set(current.marker, [...(expected.get(current.marker) ?? []), name]);
    }
    const markers = [...expected.keys()];
    const batches = Array.from({ length: Math.ceil(markers.length / BATCH) }, (_, at) =>
      markers.slice(at * BATCH, (at + 1) * BATCH),
    );
    await inParallel(batches, async (batch) => {
      const wanted = new Set(batch.flatMap((marker) => expected.get(marker) ?? []));
      const values = batch.map((marker) => `${SYSTEM}%7C${marker}`).join(',');
      for (const param of ['identifier', 'code']) {
        const found = await entries(`${base}/Basic?${param}=${values}&_count=1000`);
        // Of a pair, one resource may have been changed, or seen before and not touched since.
        const hits = found.map(({ resource }) => `Basic/${resource.id}`);
        for (const { resource } of found) {
          const { current } = seen.get(`Basic/${resource.id}`) ?? {};
          assert.equal(current?.marker, resource.identifier[0].value, `search gives an old Basic/${resource.id}`);
          assert.ok(batch.includes(current?.marker ?? ''), `Basic/${resource.id} is found by a value it has no more`);
        }
        const lost = [...wanted].filter((name) => !hits.includes(name));
        assert.deepEqual(lost, [], `search by ${param} does not find what is there`);
        assert.equal(new Set(hits).size, hits.length, 'search gives one resource twice');
      }
    });
  }

  return { look, versions: () => versions };
}

const BATCH = 100;
const AT_ONCE = 8;

async function inParallel<T>(items: T[], work: (item: T) => Promise<void>): Promise<void> {
  const left = [...items];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item);
    }),
  );
}
