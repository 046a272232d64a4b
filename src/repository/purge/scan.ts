/** What the files of a purge share: a look through all texts, and how they tell of what stays. */
import type { Call } from '../../access/principal.js';
import { failure, issueOf, type Issue } from '../../fhir/outcome.js';
import { limits } from '../../kit/limits.js';
import type { Key, Position, Reach, Store, Version } from '../../store/port.js';
import { asked } from '../failures.js';

/** Whoever waits has waited long enough. */
export type Stopped = () => boolean;

/** All versions whose text has this somewhere, old ones too, in pages. Throws when it is stopped before the end. */
export async function* pagesOf(
  { erasing }: Store,
  text: string,
  reach: Reach,
  stopped: Stopped,
): AsyncGenerator<Version[]> {
  let after: Position | undefined;
  do {
    refuseLate(stopped);
    const request = { size: limits.keepingVersions, ...(after === undefined ? {} : { after }) };
    const page = await asked(erasing.mentions(text, request, reach));
    yield page.items;
    after = page.next;
  } while (after !== undefined);
}

/** All organizations that something current belongs to. */
export async function ownersIn({ keeping }: Store): Promise<string[]> {
  const owners = new Set<string>();
  let after: Position | undefined;
  do {
    const request = {
      size: limits.keepingVersions,
      bytes: limits.keepingBytes,
      ...(after === undefined ? {} : { after }),
    };
    const page = await keeping.currents(request);
    for (const { owner } of page.items) owners.add(owner);
    after = page.next;
  } while (after !== undefined);
  return [...owners];
}

export function refuseLate(stopped: Stopped): void {
  if (!stopped()) return;
  const say = 'To look through all that is stored takes longer than a request may (limit requestMs).';
  throw failure('too-costly', `${say} Nothing was erased. Use the command: afferent purge Patient/<id>.`);
}

/** An operator has no constraint but the organizations. */
export const reachOf = ({ principal }: Call): Reach => ({ owners: [...principal.owners] });

export const keyOf = ({ type, id }: Key): Key => ({ type, id });

/** What the operator has to know, and nothing that stands in a record. */
export const warning = (say: string, at?: string): Issue => ({
  ...issueOf('conflict', say, at),
  severity: 'warning',
});
