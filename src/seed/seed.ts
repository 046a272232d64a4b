/**
 * What comes with the server: questionnaires/, profiles/ and conformance/ are stored at start through the same door as
 * everything else, once for each canonical and version. What an operator changed or deleted stays so. Each carries its
 * version in its id, so that an old one stays when a new one comes: old answers need the form that they were given to.
 */
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Call } from '../access/principal.js';
import type { Resource } from '../fhir/types.js';
import { assert } from '../kit/assert.js';
import { parseJson } from '../kit/json.js';
import { limits } from '../kit/limits.js';
import type { Repository } from '../repository/repository.js';

const FOLDERS = ['conformance', 'profiles', 'questionnaires'] as const;

/** The resources that were stored now, as `Type/id`; empty from the second start on. */
export async function seed(call: Call, repository: Repository): Promise<string[]> {
  const stored: string[] = [];
  for (const folder of FOLDERS) {
    for (const resource of await shipped(new URL(`../../${folder}/`, import.meta.url))) {
      const { resourceType: type, id, url, version } = resource;
      const told = `${folder}/${String(id)}`;
      assert(
        id !== undefined && typeof url === 'string' && typeof version === 'string',
        `${told}: no id, url or version`,
      );
      if ((await repository.byCanonical(call, type, url, version)) !== undefined) continue;
      if (await repository.isTaken(call, { type, id })) continue;
      await repository.update(call, { type, id }, resource);
      stored.push(`${type}/${id}`);
    }
  }
  return stored;
}

async function shipped(folder: URL): Promise<Resource[]> {
  const names = (await readdir(fileURLToPath(folder))).filter((name) => name.endsWith('.json')).sort();
  return Promise.all(
    names.map(async (name) => parseJson(await readFile(new URL(name, folder)), limits.depth) as Resource),
  );
}
