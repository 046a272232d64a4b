/** A short text that differs when stored search values would be made differently, so that old ones can be made anew. */
import { createHash } from 'node:crypto';
import { searchTypeOf } from './types/index.js';
import type { SearchRegistry } from './registry.js';

/**
 * A hash of all that decides which entries a resource has: the definitions of the parameters whose type is served, and
 * the form of their entries. The expressions themselves are not compiled for it.
 */
export function indexFingerprint({ definitions, resourceTypes }: SearchRegistry): string {
  const hash = createHash('sha256').update(`entries ${ENTRY_FORMS}`);
  for (const type of [...resourceTypes].sort()) {
    const rows = [...definitions.searchParameters(type).values()]
      .filter((one) => searchTypeOf(one.type) !== undefined)
      .map(({ code, url, type: kind, expression = '', components = [] }) =>
        JSON.stringify([code, url, kind, expression, components]),
      );
    hash.update(`\n${type}\n${rows.sort().join('\n')}`);
  }
  return hash.digest('hex').slice(0, 32);
}

/** Counted up by hand whenever a reader in `types/` makes other entries of the same element than before. */
const ENTRY_FORMS = 4;
