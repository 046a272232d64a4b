/** The chain of the audit trail: whatever is altered, removed, inserted or moved in the store is found, with its place. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { MongoClient, type Document } from 'mongodb';
import { verifyTrail } from '../../src/audit/verify.js';
import { hashOf } from '../../src/store/chain.js';
import { openMongoStore } from '../../src/store/mongo/index.js';
import type { AuditHead, Store } from '../../src/store/port.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { createFakeClock } from '../contract/store.js';

/** A link as both stores can be made to say it. */
interface Link {
  chain: string;
  first: number;
  at: number;
  text: string;
  keys: string[][];
  before: string;
  hash: string;
}

/** What somebody does who can write to the store's own tables. */
interface Hand {
  links(): Promise<Link[]>;
  put(link: Link, where?: Pick<Link, 'chain' | 'first'>): Promise<void>;
  add(link: Link): Promise<void>;
  remove(link: Link): Promise<void>;
}

interface Place {
  open: () => Promise<Store>;
  hand: Hand;
}

/** Six links of two records each: 0 to 11. */
async function filled(store: Store): Promise<AuditHead[]> {
  for (let n = 0; n < 6; n += 1)
    await store.audit.append([`${n}a`, `${n}b`].map((said) => ({ text: JSON.stringify({ said }), keys: [`o:${n}`] })));
  return (await verifyTrail(store.audit)).heads;
}

const rehashed = (link: Link): Link => ({ ...link, hash: hashOf(link) });

/** Name, what is done to the six links, and where it is found. */
const DEEDS: [string, (hand: Hand, links: Link[]) => Promise<unknown>, string[]][] = [
  ['nothing', () => Promise.resolve(), []],
  ['a record altered', (hand, [, , two]) => hand.put({ ...two!, text: two!.text.replace('2a', '2x') }), ['4']],
  [
    'a record altered, and its hash made anew',
    (hand, [, , two]) => hand.put(rehashed({ ...two!, text: two!.text.replace('2a', '2x') })),
    ['6'],
  ],
  ['a record taken out of its link', (hand, [, one]) => hand.put({ ...one!, text: one!.text.split('\n')[0]! }), ['2']],
  ['a record put into a link', (hand, [, one]) => hand.put({ ...one!, text: `${one!.text}\n{}` }), ['2']],
  ['the time of a record altered', (hand, [, , , three]) => hand.put({ ...three!, at: three!.at - 1 }), ['6']],
  ['whose auditors see it altered', (hand, [, , , , four]) => hand.put({ ...four!, keys: [['o:4'], []] }), ['8']],
  ['a link removed', (hand, [, , , three]) => hand.remove(three!), ['6']],
  ['the first link removed', (hand, [zero]) => hand.remove(zero!), ['0']],
  [
    'a link inserted',
    (hand, [, one]) => hand.add(rehashed({ ...one!, first: 3, keys: [['o:1']], text: '{}', before: one!.hash })),
    // A store that numbers its links has it at the end.
    ['3', '4'],
  ],
  [
    'two links swapped',
    async (hand, [, , two, three]) => {
      await hand.put({ ...two!, text: three!.text });
      await hand.put({ ...three!, text: two!.text });
    },
    ['4', '6'],
  ],
  ['the last link removed', (hand, links) => hand.remove(links[5]!), ['10']],
  [
    'the end made anew, with hashes that fit',
    async (hand, links) => {
      const five = rehashed({ ...links[5]!, text: links[5]!.text.replace('5a', '5x') });
      await hand.put(five);
    },
    ['12'],
  ],
  ['all of it removed', (hand, links) => Promise.all(links.map((link) => hand.remove(link))), ['0']],
];

function suite(place: () => Promise<Place>): void {
  test.each(DEEDS)('AU-04 %s is found', async (_name, deed, expected) => {
    const { open, hand } = await place();
    const store = await open();
    const kept = await filled(store);
    await store.close();
    await deed(hand, await hand.links());
    const again = await open();
    const { findings } = await verifyTrail(again.audit);
    const places = findings.map(({ at }) => at.split('-')[1]);
    expect([expected, expected.slice(0, 1)]).toContainEqual(places);
    // Heads that were kept elsewhere find it too, and tell nothing where nothing was done.
    const { findings: more } = await verifyTrail(again.audit, kept);
    expect(more.length > 0).toBe(expected.length > 0);
    await again.close();
  });

  test('AU-04 what was removed as its time was over leaves a trail that holds, and one that is cut further does not', async () => {
    const { open, hand } = await place();
    const clock = createFakeClock(Date.now());
    const store = await open();
    await filled(store);
    const before = Date.now() + 1;
    clock.forward(1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    await store.audit.append([{ text: '{"said":"young"}', keys: ['o:y'] }]);
    const told = (cut: AuditHead[]) => ({ text: JSON.stringify({ at: 0, acts: [], cut }), keys: ['o:home'] });
    expect(await store.audit.expire(before, told)).toBe(12);
    expect((await verifyTrail(store.audit)).findings).toEqual([]);
    await store.close();
    const [young] = await hand.links();
    await hand.remove(young!);
    const again = await open();
    expect((await verifyTrail(again.audit)).findings.length).toBeGreaterThan(0);
    await again.close();
  });
}

describe('SQLite: the audit trail', () => {
  const folders: string[] = [];
  afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));

  async function place(): Promise<Place & { file: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'afferent-audit-'));
    folders.push(folder);
    const file = join(folder, 'store.db');
    const raw = <T>(work: (db: Database.Database) => T): Promise<T> => {
      const db = new Database(file);
      try {
        return Promise.resolve(work(db));
      } finally {
        db.close();
      }
    };
    const values = ({ chain, first, at, text, keys, before, hash }: Link) => [
      chain,
      first,
      at,
      text,
      JSON.stringify(keys),
      before,
      hash,
    ];
    return {
      file,
      open: () => Promise.resolve(openSqliteStore({ file, clock: { now: () => Date.now() }, tidyMs: 100 })),
      hand: {
        links: () =>
          raw((db) =>
            (db.prepare('SELECT * FROM audit_link ORDER BY first').all() as Document[]).map(
              (row) => ({ ...row, keys: JSON.parse(row.keys) }) as Link,
            ),
          ),
        put: (link) =>
          raw((db) => {
            db.prepare('UPDATE audit_link SET at = ?, text = ?, keys = ?, hash = ? WHERE chain = ? AND first = ?').run(
              link.at,
              link.text,
              JSON.stringify(link.keys),
              link.hash,
              link.chain,
              link.first,
            );
          }),
        add: (link) =>
          raw((db) => {
            const all = 'chain, first, at, text, keys, before, hash';
            db.prepare(`INSERT INTO audit_link (${all}) VALUES (?, ?, ?, ?, ?, ?, ?)`).run(...values(link));
          }),
        remove: ({ chain, first }) =>
          raw((db) => void db.prepare('DELETE FROM audit_link WHERE chain = ? AND first = ?').run(chain, first)),
      },
    };
  }
  suite(place);

  test('AU-04 a record that is kept and can no longer be found is found out', async () => {
    const { open, file } = await place();
    const store = await open();
    await filled(store);
    // Keys are put in order a moment later.
    const db = new Database(file);
    for (let tries = 0; tries < 100 && db.prepare('SELECT 1 FROM audit_place').get() === undefined; tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 50));
    await store.close();
    db.prepare("UPDATE audit_place SET places = replace(places, ',1]', ',0]') WHERE key = 'o:3'").run();
    db.close();
    const again = await open();
    const { findings } = await verifyTrail(again.audit);
    expect(findings).toEqual([{ at: expect.stringMatching(/-6$/), what: expect.stringContaining('o:3') }]);
    await again.close();
  });
});

describeMongo('the audit trail', (url) => {
  let client: MongoClient;
  const database = freshDatabase();
  beforeAll(async () => {
    client = await MongoClient.connect(url);
  });
  afterAll(async () => {
    await client.db(database).dropDatabase();
    await client.close();
  });

  const toDocument = ({ chain, first, at, text, keys, before, hash }: Link): Document => {
    const k = [...new Set(keys.flat())];
    const l = keys.map((some) => some.map((key) => k.indexOf(key)));
    return { _id: `${chain}/${String(first).padStart(15, '0')}`, c: chain, n: first, at, text, k, l, before, hash };
  };
  suite(async () => {
    await client.db(database).collection('audit').deleteMany({});
    await client
      .db(database)
      .collection('meta')
      .deleteMany({ _id: /^audit/ as never });
    const audit = client.db(database).collection<Document & { _id: string }>('audit');
    const place: Place = {
      open: () => openMongoStore({ url, database, clock: { now: () => Date.now() } }),
      hand: {
        links: async () =>
          (await audit.find({}, { sort: { _id: 1 } }).toArray()).map(
            ({ c, n, at, text, k, l, before, hash }): Link => ({
              chain: c,
              first: n,
              at,
              text,
              keys: l.map((numbers: number[]) => numbers.map((one) => k[one])),
              before,
              hash,
            }),
          ),
        put: async (link) => {
          const { _id, ...rest } = toDocument(link);
          await audit.replaceOne({ _id }, rest);
        },
        add: async (link) => {
          await audit.insertOne(toDocument(link) as never);
        },
        remove: async (link) => {
          await audit.deleteOne({ _id: toDocument(link)._id });
        },
      },
    };
    return place;
  });
});
