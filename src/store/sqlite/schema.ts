/** The tables, as numbered migrations: a database says in `user_version` how many of them it has had. */
import type { Database } from 'better-sqlite3';
import { StoreError } from '../port.js';

/**
 * One by one, never changed once released.
 *
 * `scope` gives one small number to an owner, type, parameter and kind of entry, which leads every entry row: an entry
 * can only be found by those who see its owner. `resource` holds what is current, `version` holds each text once, and
 * its `seq` is the order of commits: the order of the feed and of history. `latest` is the greatest `updated` up to
 * here: it never falls, so that the first version since an instant is found by halving. An entry is one row of one
 * b-tree; entries of one value lie in the order of `num`, which is the natural order of a search.
 */
const migrations: readonly string[] = [
  `
  CREATE TABLE scope (
    num INTEGER PRIMARY KEY,
    owner TEXT NOT NULL,
    type TEXT NOT NULL,
    param TEXT NOT NULL,
    kind TEXT NOT NULL,
    UNIQUE (owner, type, param, kind)
  );
  CREATE TABLE resource (
    num INTEGER PRIMARY KEY,
    type TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    owner TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    keys TEXT NOT NULL,
    entries TEXT NOT NULL,
    UNIQUE (type, id)
  );
  CREATE INDEX resource_listed ON resource (owner, type, num) WHERE NOT deleted;
  CREATE INDEX resource_updated ON resource (owner, type, updated, num) WHERE NOT deleted;
  CREATE TABLE version (
    seq INTEGER PRIMARY KEY,
    num INTEGER NOT NULL REFERENCES resource (num),
    version INTEGER NOT NULL,
    type TEXT NOT NULL,
    updated INTEGER NOT NULL,
    latest INTEGER NOT NULL,
    owner TEXT NOT NULL,
    method TEXT NOT NULL,
    blob_hash TEXT,
    blob_size INTEGER,
    text TEXT,
    UNIQUE (num, version)
  );
  CREATE INDEX version_of_type ON version (type, seq, owner, updated);
  CREATE TABLE text_entry (
    scope INTEGER NOT NULL,
    value TEXT NOT NULL,
    num INTEGER NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (scope, value, num, detail)
  ) WITHOUT ROWID;
  CREATE TABLE range_entry (
    scope INTEGER NOT NULL,
    value TEXT NOT NULL,
    low INTEGER NOT NULL,
    num INTEGER NOT NULL,
    high INTEGER NOT NULL,
    PRIMARY KEY (scope, value, low, num, high)
  ) WITHOUT ROWID;
  CREATE TABLE vault (
    key TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    expires INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX vault_expires ON vault (expires);
  `,
  // What the server notes about this store itself: by what its search values were made, what is being loaded.
  `
  CREATE TABLE note (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) WITHOUT ROWID;
  `,
  // Which blobs are referred to.
  `
  CREATE INDEX version_blob ON version (blob_hash) WHERE blob_hash IS NOT NULL;
  `,
  // Numbers and dates in the order of a sort, see `keys.ts`. Newest first is what most ask for: so the keys lie.
  `
  CREATE TABLE sort_key (
    scope INTEGER NOT NULL,
    key INTEGER NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (scope, key DESC, num)
  ) WITHOUT ROWID;
  CREATE TEMP TABLE keyed AS
    SELECT owner, type, param, num, first, last, CASE
      WHEN several THEN 'wide'
      WHEN first = last THEN 'instant'
      WHEN typeof(first) = 'real' OR typeof(last) = 'real' OR max(abs(first), abs(last)) > 9007199254740991 THEN 'wide'
      WHEN last - first = 999 THEN 'second'
      WHEN last - first = 86399999 THEN 'day'
      ELSE 'wide' END AS kind
    FROM (
      SELECT s.owner, s.type, s.param, e.num, min(e.low) AS first, max(e.high) AS last, count(*) > 1 AS several
      FROM range_entry e JOIN scope s ON s.num = e.scope WHERE e.value = '' GROUP BY e.scope, e.num);
  CREATE INDEX temp.keyed_num ON keyed (num, param);
  INSERT INTO scope (owner, type, param, kind)
    SELECT DISTINCT owner, type, param, iif(kind = 'wide', 'first', kind) FROM keyed UNION
    SELECT DISTINCT owner, type, param, 'last' FROM keyed WHERE kind = 'wide' UNION
    SELECT DISTINCT owner, type, param, 'none' FROM keyed;
  INSERT INTO sort_key (scope, key, num)
    SELECT s.num, iif(s.kind = 'last', k.last, k.first), k.num FROM keyed k
    JOIN scope s USING (owner, type, param) WHERE s.kind = k.kind OR k.kind = 'wide' AND s.kind IN ('first', 'last');
  INSERT INTO sort_key (scope, key, num)
    SELECT s.num, 0, r.num FROM scope s JOIN resource r ON r.owner = s.owner AND r.type = s.type
    WHERE s.kind = 'none' AND NOT r.deleted
      AND NOT EXISTS (SELECT 1 FROM keyed k WHERE k.num = r.num AND k.param = s.param);
  DROP TABLE keyed;
  `,
  // The audit trail, see `audit.ts`. The head of the chain stands in `note`, apart from the links that it vouches for.
  // Numbers and times of links both rise, so that a link is found by either without an index.
  `
  CREATE TABLE audit_link (
    num INTEGER PRIMARY KEY,
    chain TEXT NOT NULL,
    first INTEGER NOT NULL,
    at INTEGER NOT NULL,
    text TEXT NOT NULL,
    keys TEXT NOT NULL,
    before TEXT NOT NULL,
    hash TEXT NOT NULL
  );
  CREATE TABLE audit_key (
    key TEXT NOT NULL,
    link INTEGER NOT NULL,
    line INTEGER NOT NULL,
    PRIMARY KEY (key, link, line)
  ) WITHOUT ROWID;
  `,
  // To whom a resource is open, why, and from when until when; `sharing` counts how often a reason was computed, and
  // `opener` remembers whose scopes must be looked into for whom. An opening ends with its resource, see `openings.ts`.
  `
  CREATE TABLE opening (
    num INTEGER NOT NULL,
    org TEXT NOT NULL,
    via TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    type TEXT NOT NULL,
    owner TEXT NOT NULL,
    PRIMARY KEY (num, org, via, since)
  ) WITHOUT ROWID;
  CREATE INDEX opening_listed ON opening (org, type, num, since, until);
  CREATE INDEX opening_via ON opening (via);
  CREATE TABLE sharing (
    via TEXT PRIMARY KEY,
    generation INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE opener (
    num INTEGER PRIMARY KEY,
    org TEXT NOT NULL,
    type TEXT NOT NULL,
    owner TEXT NOT NULL,
    UNIQUE (org, type, owner)
  );
  `,
  // A row of keys for a stretch of links, see `audit-keys.ts`.
  `
  CREATE TABLE audit_place (
    key TEXT NOT NULL,
    link INTEGER NOT NULL,
    places TEXT NOT NULL,
    PRIMARY KEY (key, link)
  ) WITHOUT ROWID;
  INSERT INTO audit_place (key, link, places)
    SELECT key, link, '[' || group_concat(link || ',' || line, ',' ORDER BY line) || ']' FROM audit_key GROUP BY key, link;
  DROP TABLE audit_key;
  `,
  // Links of other stores, whose numbers do not rise with those of this store's own chain.
  `
  CREATE TABLE audit_loaded (
    chain TEXT NOT NULL,
    first INTEGER NOT NULL,
    num INTEGER NOT NULL,
    PRIMARY KEY (chain, first)
  ) WITHOUT ROWID;
  `,
];

/** Brings the database up to date; a database of a later release is left alone. */
export function migrate(db: Database, steps: readonly string[] = migrations): void {
  db.transaction(() => {
    const done = Number(db.pragma('user_version', { simple: true }));
    if (done > steps.length)
      throw new StoreError(
        'unavailable',
        `The database has schema ${done} and this release knows ${steps.length}: open it with the release that made it, or a later one.`,
      );
    for (const step of steps.slice(done)) db.exec(step);
    db.pragma(`user_version = ${steps.length}`);
  }).immediate();
}
