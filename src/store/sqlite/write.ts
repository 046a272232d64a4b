/**
 * A write: guards first, then each change appends its version, replaces what is current and mends the entries; then
 * what must be true of references. It can be held after each step, so that a long one need not hold others up.
 */
import { assert } from '../../kit/assert.js';
import { StoreError, type Along, type Change, type Guard, type Integrity } from '../port.js';
import type { Connection } from './connection.js';
import { createEntryRows } from './entries.js';
import { createCheck } from './integrity.js';
import { createSortKeys } from './keys.js';
import type { Openings } from './openings.js';
import { decodeEntryRows, encodeEntryRow, encodeEntryRows, encodeKeys, rowOf, type EntryRow } from './rows.js';
import type { Scopes } from './scopes.js';
import { sql } from './sql.js';

/** Runs inside a transaction that `commit.ts` began, alone: what a guard saw stays true until the commit. */
export type Write = (
  changes: Change[],
  guards: Guard[],
  integrity?: Integrity,
  along?: Along,
) => Generator<undefined, void>;

interface Current {
  num: number;
  version: number;
  owner: string;
  deleted: boolean;
  entries: EntryRow[];
}

export interface Writer {
  write: Write;
  /** New search values for a version that is still current; nothing for one that is not. Inside a transaction too. */
  replaceEntries: (change: Change) => Generator<undefined, void>;
}

/** Search values of one resource that are many: others have a turn between. */
const MANY = 512;

/** About how many usual changes these are worth. */
export const weightOf = (changes: readonly Change[], { opened = [] }: Along = {}): number =>
  changes.reduce((sum, { entries, text = '' }) => sum + 1 + entries.length / 25 + text.length / 100_000, 0) +
  opened.reduce((sum, { openings }) => sum + openings.length / 15, 0);

export function createWrite(
  connection: Connection,
  scopes: Scopes,
  openings: Openings,
  holds: (guard: Guard) => boolean,
): Writer {
  const { get, tuple, run, insert } = connection;
  const entryRows = createEntryRows(connection, scopes);
  const sortKeys = createSortKeys(connection, scopes);
  const check = createCheck(connection, scopes);

  function* write(...[changes, guards, integrity, along]: Parameters<Write>): Generator<undefined, void> {
    const keys = new Set(changes.map(keyOf));
    assert(keys.size === changes.length, 'A key occurs twice in one write.');
    for (const guard of guards)
      if (!holds(guard)) throw new StoreError('guard', `Not ${guard.matches} matches of ${guard.name}.`, guard.name);
    const last = tuple(sql`SELECT seq, latest FROM version ORDER BY seq DESC LIMIT 1`) ?? [];
    let [seq, latest] = [Number(last[0] ?? 0), Number(last[1] ?? 0)];
    for (const change of changes) {
      seq += 1;
      latest = Math.max(latest, change.updated);
      yield* apply(change, seq, latest);
      yield;
    }
    if (integrity !== undefined) yield* check(integrity);
    if (along?.opened !== undefined) yield* openings.replace(along.opened);
  }

  function* apply(change: Change, seq: number, latest: number): Generator<undefined, void> {
    const was = current(change);
    const expected = change.version - 1;
    if ((was?.version ?? 0) !== expected)
      throw new StoreError('conflict', `${keyOf(change)} is not at version ${expected}.`, keyOf(change));
    const num = yield* replace(change, seq, was);
    run(sql`
      INSERT INTO version (seq, num, version, type, updated, latest, owner, method, blob_hash, blob_size, text)
      VALUES (${seq}, ${num}, ${change.version}, ${change.type}, ${change.updated}, ${latest}, ${change.owner},
        ${change.method}, ${change.blob?.hash ?? null}, ${change.blob?.size ?? null}, ${change.text ?? null})`);
  }

  function current({ type, id }: Change): Current | undefined {
    const row = get(
      sql`SELECT num, version, owner, deleted, entries FROM resource WHERE type = ${type} AND id = ${id}`,
    );
    if (row === undefined) return undefined;
    return {
      num: Number(row.num),
      version: Number(row.version),
      owner: String(row.owner),
      deleted: row.deleted === 1,
      entries: decodeEntryRows(String(row.entries)),
    };
  }

  function* replaceEntries(change: Change): Generator<undefined, void> {
    const was = current(change);
    if (was?.version !== change.version || change.text === undefined) return;
    const { rows, keys, stored } = valuesOf(change);
    if (stored === encodeEntryRows(was.entries)) return;
    run(sql`UPDATE resource SET keys = ${keys}, entries = ${stored} WHERE num = ${was.num}`);
    yield* mend(was.owner, change, was.num, was, rows);
  }

  /** Makes the change current and says the number of its resource. */
  function* replace(change: Change, seq: number, was: Current | undefined): Generator<undefined, number> {
    const { type, id, version, updated, owner } = change;
    const { rows, keys, stored } = valuesOf(change);
    if (rows.length > MANY) yield;
    const deleted = change.text === undefined ? 1 : 0;
    let num = was?.num;
    if (num === undefined)
      num = insert(sql`
        INSERT INTO resource (type, id, version, seq, updated, owner, deleted, keys, entries)
        VALUES (${type}, ${id}, ${version}, ${seq}, ${updated}, ${owner}, ${deleted}, ${keys}, ${stored})`);
    else
      run(sql`
        UPDATE resource SET version = ${version}, seq = ${seq}, updated = ${updated}, owner = ${owner},
          deleted = ${deleted}, keys = ${keys}, entries = ${stored} WHERE num = ${num}`);
    yield* mend(owner, change, num, was, rows);
    if (was !== undefined && deleted === 1) openings.drop(num);
    else if (was !== undefined && was.owner !== owner) openings.move(num, owner);
    return num;
  }

  /** Only what changed is written: most updates leave most search values as they are. */
  function* mend(
    owner: string,
    { type, text }: Change,
    num: number,
    was: Current | undefined,
    rows: EntryRow[],
  ): Generator<undefined, void> {
    if (was === undefined || was.entries.length === 0) yield* entryRows.add({ owner, type, num }, rows);
    else yield* mendRows(owner, type, num, was, rows);
    sortKeys.mend(
      num,
      was === undefined || was.deleted ? undefined : { owner: was.owner, type, rows: was.entries },
      text === undefined ? undefined : { owner, type, rows },
    );
  }

  function* mendRows(
    owner: string,
    type: string,
    num: number,
    was: Current,
    rows: EntryRow[],
  ): Generator<undefined, void> {
    const [old, now] = [was.entries, rows].map((some) => new Map(some.map((row) => [encodeEntryRow(row), row])));
    assert(old !== undefined && now !== undefined, 'Both are there.');
    const moved = was.owner !== owner;
    const gone = [...old].filter(([name]) => moved || !now.has(name));
    for (const [at, [, row]] of gone.entries()) {
      if (at > 0 && at % MANY === 0) yield;
      entryRows.remove({ owner: was.owner, type, num }, row);
    }
    const fresh = [...now].filter(([name]) => moved || !old.has(name)).map(([, row]) => row);
    yield* entryRows.add({ owner, type, num }, fresh);
  }

  return { write, replaceEntries };
}

function valuesOf(change: Change): { rows: EntryRow[]; keys: string; stored: string } {
  const live = change.text === undefined ? [] : change.entries;
  const rows = live.map(rowOf);
  return { rows, keys: encodeKeys(live), stored: encodeEntryRows(rows) };
}

const keyOf = ({ type, id }: { type: string; id: string }): string => `${type}/${id}`;
