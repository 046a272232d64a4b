/**
 * All that is open, computed anew: for a store that was filled from another, one that was made before there were
 * referrals, and one whose settings say otherwise by now. Others' writes go between its batches.
 */
import { limits } from '../../kit/limits.js';
import { isThere, StoreError, type Opened, type Position, type Store, type Version } from '../../store/port.js';
import { nameOf } from '../operations.js';
import { inDirectory } from './directory.js';
import type { Sharing } from './index.js';

/** Of whom Consents speak: nobody is served before that is known. Whether it was done to the end. */
export async function judgeAnew(store: Store, sharing: Sharing, rules: string, signal: AbortSignal): Promise<boolean> {
  let after: { after?: Position } = {};
  while (!signal.aborted) {
    const page = await store.keeping.currents({ size: limits.keepingVersions, bytes: limits.keepingBytes, ...after });
    await sharing.consentsAnew(page.items.filter(({ type }) => type === 'Consent'));
    if (page.next === undefined) {
      await store.keeping.setNote('judged', rules);
      return true;
    }
    after = { after: page.next };
  }
  return false;
}

/** Says how many resources it went through; it begins at the beginning when it was interrupted. */
export async function openAnew(
  store: Store,
  sharing: Sharing,
  fingerprint: string,
  signal: AbortSignal,
): Promise<number> {
  let done = 0;
  let after: { after?: Position } = {};
  while (!signal.aborted) {
    const page = await store.keeping.currents({ size: limits.reindexBatch, ...after });
    await sharing.anew(page.items.filter(isRoot).map(nameOf));
    await openDirectory(store, page.items);
    done += page.items.length;
    if (page.next === undefined) {
      await store.keeping.setNote('opened', fingerprint);
      return done;
    }
    after = { after: page.next };
  }
  return done;
}

const isRoot = ({ type }: Version): boolean => type === 'ServiceRequest' || type === 'Task';

/** An entry that somebody writes meanwhile is left to them. */
async function openDirectory(store: Store, versions: readonly Version[]): Promise<void> {
  const turns = versions.filter(isThere).map((version) => ({ change: { ...version, entries: [] }, was: undefined }));
  const all = await inDirectory(turns, () => Promise.resolve(new Map<string, never>()));
  const known = await store.sharing.of(all.map(({ via }) => via));
  const opened: Opened[] = all.filter(({ via }) => known.get(via)?.openings.length !== 1);
  if (opened.length === 0) return;
  const now = opened.map((one) => ({ ...one, was: known.get(one.via)?.generation ?? 0 }));
  await store.write([], [], undefined, undefined, { opened: now }).catch((error: unknown) => {
    if (!(error instanceof StoreError && error.reason === 'conflict')) throw error;
  });
}
