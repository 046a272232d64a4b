/** After a $purge no byte of the patient is left, in whatever table, collection, file or log it was. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BSON, MongoClient } from 'mongodb';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { ask, put } from '../support/server.js';

/** Lower case, as strings are searched by; nothing else in the world is called so. */
const MARKER = 'qzmarkerzq';

async function started(settings: Record<string, string>) {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-purge-'));
  const environment = { PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, ...settings };
  return { folder, server: await startServer(readConfig(environment)) };
}

/** One patient who is marked wherever something can be, among others, with updates and deletions. */
async function populate(base: string): Promise<void> {
  const at = (path: string) => `${base}/${path}`;
  const marked = (n: number) => ({
    resourceType: 'Patient',
    id: 'marked',
    name: [{ family: `Family ${MARKER}${n}`, given: [MARKER] }],
    identifier: [{ system: `http://${MARKER}.example/${n}`, value: `${MARKER}-${n}` }],
    text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${MARKER}</div>` },
  });
  const noted = (id: string, patient: string, note: string) => ({
    resourceType: 'Observation',
    id,
    status: 'final',
    code: { coding: [{ system: 'urn:x', code: note, display: note }] },
    subject: { reference: `Patient/${patient}` },
    note: [{ text: `${note} `.repeat(patient === 'marked' ? 3000 : 30) }],
  });
  for (let n = 0; n < 40; n += 1) {
    await put(base, { resourceType: 'Patient', id: `other${n}`, name: [{ family: `Other${n}` }] } as any);
    if (n % 4 === 0) await put(base, marked(n));
    if (n > 0) await put(base, noted(`o${n}`, 'marked', `${MARKER}${n}`));
    await put(base, noted(`p${n}`, `other${n}`, `note${n}`));
    if (n % 5 === 1) await ask(at(`Observation/o${n}`), { method: 'DELETE' });
  }
  const headers = { 'Content-Type': 'application/octet-stream', 'Idempotency-Key': 'photo' };
  const photo = await ask(at('Binary'), { body: Buffer.from(`${MARKER} `.repeat(100_000)), headers });
  await put(base, {
    resourceType: 'Media',
    status: 'completed',
    subject: { reference: 'Patient/marked' },
    content: { contentType: 'application/octet-stream', url: `Binary/${photo.body.id}`, title: MARKER },
  } as any);
}

const marksIn = (bytes: Buffer): number => bytes.toString('latin1').toLowerCase().split(MARKER).length - 1;

async function filesWithMarks(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const file of files.filter((one) => one.isFile()))
    if (marksIn(await readFile(join(file.parentPath, file.name))) > 0) found.push(file.name);
  return found.sort();
}

test('SQLite: in its file, in its log and among the blobs', async () => {
  const { folder, server } = await started({});
  try {
    await populate(server.base);
    expect(await filesWithMarks(folder)).toEqual(expect.arrayContaining(['afferent.sqlite-wal']));
    expect((await filesWithMarks(join(folder, 'blobs'))).length).toBe(1);
    const answer = await ask(`${server.base}/Patient/marked/$purge`, { method: 'POST' });
    expect([answer.status, answer.body.issue.length]).toEqual([200, 1]);
    expect(await filesWithMarks(folder)).toEqual([]);
    expect((await ask(`${server.base}/Patient?name=other&_summary=count`)).body.total).toBe(40);
  } finally {
    await server.stop();
  }
  expect(await filesWithMarks(folder)).toEqual([]);
  await rm(folder, { recursive: true });
}, 60_000);

describeMongo('$purge', (url) => {
  test('in every collection, the bytes of GridFS among them', async () => {
    const database = freshDatabase();
    const { folder, server } = await started({ STORE: 'mongodb', MONGODB_URL: url, MONGODB_DATABASE: database });
    const client = await MongoClient.connect(url);
    const marked = async () => {
      const found: string[] = [];
      for (const { collectionName } of await client.db(database).collections())
        for await (const document of client.db(database).collection(collectionName).find())
          if (marksIn(Buffer.from(BSON.serialize(document))) > 0) found.push(collectionName);
      return found;
    };
    try {
      await populate(server.base);
      expect(new Set(await marked()).size).toBe(2);
      const answer = await ask(`${server.base}/Patient/marked/$purge`, { method: 'POST' });
      expect([answer.status, answer.body.issue.length]).toEqual([200, 1]);
      expect(await marked()).toEqual([]);
      expect((await ask(`${server.base}/Patient?name=other&_summary=count`)).body.total).toBe(40);
    } finally {
      await server.stop();
      await client.db(database).dropDatabase();
      await client.close();
      await rm(folder, { recursive: true });
    }
  }, 60_000);
});
