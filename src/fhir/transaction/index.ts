/**
 * Reads a batch or transaction from its bytes, all of it before any of it is done. Who else waits has their turns
 * between the entries. (R4 http.html#transaction)
 */
import { limits } from '../../kit/limits.js';
import { Turns } from '../../kit/turns.js';
import { failure, FhirError, type Issue } from '../outcome.js';
import type { Element } from '../types.js';
import { readEntry } from './entry.js';
import type { Operation } from './operation.js';
import { overlaps, sharedFullUrls } from './order.js';
import { refuseOthers } from './properties.js';
import { entriesOf, splitBundle } from './split.js';
import type { UrlContext } from './url.js';

export type ReadBundle =
  /** Done as a whole or not at all; in the order of the entries, see `inOrder`. */
  | { type: 'transaction'; properties: Element; operations: Operation[] }
  /** Each entry by itself: what one asks for, or why it cannot be done. */
  | { type: 'batch'; properties: Element; operations: (Operation | FhirError)[] };

/** Throws a JsonError for what is not JSON, and a FhirError with every issue for a transaction that cannot be done. */
export async function readBundle(bytes: Uint8Array, context: UrlContext): Promise<ReadBundle> {
  const split = await splitBundle(bytes);
  const { properties } = split;
  const type = typeOf(properties);
  refuseOthers(properties, 'Bundle', 'Bundle', context.definitions);
  const read: (Operation | FhirError)[] = [];
  const turns = new Turns();
  for await (const { entry, index, bytes: size } of entriesOf(bytes, split)) {
    read.push(attempt(() => readEntry(entry, index, size, context)));
  }
  const good = read.filter((one): one is Operation => !(one instanceof FhirError));
  if (type === 'batch') {
    for (const { index, issue } of sharedFullUrls(good)) read[index] = new FhirError('invalid', [issue]);
    return { type, properties, operations: read };
  }
  if (turns.over) await turns.next();
  const bad = read.filter((one) => one instanceof FhirError);
  const clashes = [...overlaps(good), ...sharedFullUrls(good)].map(({ issue }) => issue);
  const issues: Issue[] = [...bad.flatMap((one) => one.issues), ...clashes];
  if (issues.length > 0) throw new FhirError(bad[0]?.kind ?? 'invalid', issues.slice(0, limits.issues));
  return { type, properties, operations: good };
}

function typeOf({ resourceType, type }: Element): ReadBundle['type'] {
  if (resourceType !== 'Bundle') {
    throw failure('invalid', 'What is posted to the base is a Bundle; say "resourceType": "Bundle".', 'resourceType');
  }
  if (type === 'batch' || type === 'transaction') return type;
  const say = 'The type of a Bundle that is to be done is batch or transaction; one that is to be stored is posted to';
  throw failure('value', `${say} /Bundle.`, 'Bundle.type');
}

function attempt(read: () => Operation): Operation | FhirError {
  try {
    return read();
  } catch (error) {
    if (error instanceof FhirError) return error;
    throw error;
  }
}
