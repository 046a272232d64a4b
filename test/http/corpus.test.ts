/**
 * Resources that others made: every valid one is stored, comes back without loss, and is found again by each of its
 * search values.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { loadDefinitions } from '../../src/fhir/definitions.js';
import type { Resource } from '../../src/fhir/types.js';
import { parseJson, stringify } from '../../src/kit/json.js';
import { createExtract } from '../../src/search/extract.js';
import { isRange, type Entry } from '../../src/search/plan.js';
import { createRegistry } from '../../src/search/registry.js';
import { isRefusal } from '../../src/fhir/outcome.js';
import { createValidator } from '../../src/validate/validator.js';
import { ask, describeServer, idsOf } from '../support/server.js';

const DATA = new URL('../data/', import.meta.url);
const definitions = loadDefinitions();
const registry = createRegistry(definitions);
const validator = createValidator(definitions);

const files = ['microsoft-fhir-server', 'synthea'].flatMap((folder) =>
  readdirSync(new URL(`${folder}/`, DATA))
    .filter((name) => name.endsWith('.json') && !name.endsWith('.indexes.json'))
    .map((name) => `${folder}/${name}`),
);

/** A file's resource; of the Synthea Bundles, the resources inside. */
function resourcesOf(file: string): Resource[] {
  const resource = parseJson(readFileSync(new URL(file, DATA)), 64) as Resource & { entry?: { resource: Resource }[] };
  if (!file.startsWith('synthea/') || resource.entry === undefined) return [resource];
  return resource.entry.map((entry) => entry.resource);
}

const served = new Set(definitions.resourceTypes);
const valid = files
  .flatMap((file) => resourcesOf(file).map((resource, at) => ({ name: `${file}#${at}`, resource })))
  .filter(({ resource }) => served.has(resource.resourceType))
  .filter(({ resource }) => !validator.validate(resource).some(isRefusal));

/** The resource without what the server sets, as text, so that digits count. */
function content(resource: Resource): string {
  const { id: _id, meta, ...rest } = resource;
  const { versionId: _versionId, lastUpdated: _lastUpdated, ...kept } = meta ?? {};
  // Base64 stands for bytes; where it is broken into lines is not kept.
  if (typeof rest.data === 'string') rest.data = rest.data.replace(/\s/g, '');
  return stringify({ ...rest, ...(Object.keys(kept).length === 0 ? {} : { meta: kept }) });
}

const escaped = (text: string): string => encodeURIComponent(text.replace(/[\\,|$]/g, '\\$&'));
const systemAnd = (detail: string, text: string) => `${detail === '' ? '' : `${escaped(detail)}%7C`}${escaped(text)}`;
const instant = (at: number): string => encodeURIComponent(new Date(at).toISOString());

/** TABLE: type of parameter, or modifier -> a query that finds this value and says all that it says. */
const queries: Record<string, (entry: any) => string | undefined> = {
  token: ({ param, value, detail }) => `${param}=${systemAnd(detail, value)}`,
  reference: ({ param, value, detail }) => `${param}=${escaped(value)}${detail === '' ? '' : `%7C${escaped(detail)}`}`,
  string: ({ param, value }) => `${param}=${escaped(value)}`,
  uri: ({ param, value }) => `${param}=${escaped(value)}`,
  date: ({ param, low, high }) =>
    // An open Period ends at the ends of time, which no query can name.
    low > Date.UTC(1, 0) && high < Date.UTC(9999, 0)
      ? `${param}=ge${instant(low)}&${param}=le${instant(high)}`
      : undefined,
  // The number alone; its form in another unit is what test/cases/search/quantity.json is about.
  number: ({ param, low, high }) =>
    Number.isFinite(low) && Number.isFinite(high) ? `${param}=ge${low}&${param}=le${high}` : undefined,
  quantity: ({ param, value, low, high }) =>
    value === '' && Number.isFinite(low) && Number.isFinite(high) ? `${param}=ge${low}&${param}=le${high}` : undefined,
  text: ({ param, value }) => `${param}=${escaped(value)}`,
  identifier: ({ param, value, detail }) => `${param}=${systemAnd(detail, value)}`,
};

function queryOf(type: string, entry: Entry): string | undefined {
  if (!isRange(entry) && (!pointsRight(type, entry) || encodeURIComponent(entry.value).length > 8000)) return undefined;
  const [name = '', modifier] = entry.param.split(':');
  return queries[modifier ?? registry.get(type, name)!.type]?.(entry);
}

/** R4 says by profile what an element may point at; some of these resources point elsewhere. */
function pointsRight(type: string, { param, value }: Entry): boolean {
  const [target = ''] = /^[A-Za-z]+(?=\/[^/]+$)/.exec(value) ?? [];
  return !served.has(target) || registry.get(type, param)?.targets.includes(target) === true;
}

test('there is enough of it, of most types', () => {
  expect(valid.length).toBeGreaterThan(600);
  expect(new Set(valid.map(({ resource }) => resource.resourceType)).size).toBeGreaterThan(110);
});

describeServer('resources that others made', (server) => {
  test('are stored, come back without loss, and are found by every search value', async () => {
    const extract = createExtract(registry, server.base);
    const wrong: string[] = [];
    let searches = 0;
    const one = async ({ name, resource }: (typeof valid)[number]) => {
      const type = resource.resourceType;
      const { status, body, text } = await ask(`${server.base}/${type}`, { body: stringify(resource) });
      if (status !== 201) return void wrong.push(`${name}: ${status} ${text.slice(0, 300)}`);
      const read = await ask(`${server.base}/${type}/${body.id}`, { headers: { Accept: 'application/fhir+json' } });
      if (content(parseJson(read.text, 64) as Resource) !== content(resource))
        wrong.push(`${name}: not as it was sent`);
      const entries = extract(parseJson(read.text, 64) as Resource);
      const asked = entries.map((entry) => queryOf(type, entry)).filter((query) => query !== undefined);
      const queries = [...new Set(asked)];
      // All at once finds it; each alone is asked where that fails, to say which one does not.
      for (let at = 0; at < queries.length; at += 50) {
        const part = queries.slice(at, at + 50);
        searches += 1;
        const all = await search(`${server.base}/${type}`, `_id=${body.id}&${part.join('&')}`);
        if (all.includes(body.id)) continue;
        for (const query of part) {
          const alone = await search(`${server.base}/${type}`, `_id=${body.id}&${query}`);
          if (!alone.includes(body.id)) wrong.push(`${name}: not found by ${query}`);
        }
      }
      return undefined;
    };
    const queue = [...valid];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let next = queue.pop(); next !== undefined; next = queue.pop()) await one(next);
      }),
    );
    expect(wrong).toEqual([]);
    expect(searches).toBeGreaterThan(valid.length / 2);
  }, 120_000);
});

async function search(url: string, query: string): Promise<string[]> {
  const headers = { 'Content-Type': 'application/x-www-form-urlencoded' };
  const { status, body, text } = await ask(`${url}/_search`, { headers, body: query });
  return status === 200 ? idsOf(body) : [text];
}
