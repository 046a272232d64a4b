/** What the files of a purge share: a look through all texts, and how they tell of what stays. */
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

export function refuseLate(stopped: Stopped): void {
  if (!stopped()) return;
  const say = 'To look through all that is stored takes longer than a request may (limit requestMs).';
  throw failure('too-costly', `${say} Nothing was erased. Use the command: afferent purge Patient/<id>.`);
}

export const keyOf = ({ type, id }: Key): Key => ({ type, id });

/** What the operator has to know, and nothing that stands in a record. */
export const warning = (say: string, at?: string): Issue => ({
  ...issueOf('conflict', say, at),
  severity: 'warning',
});
