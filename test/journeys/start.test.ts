/** Starting: what the operator changed stays, and what cannot work is refused with a sentence. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sentenceFor } from '../../src/cli/sentence.js';
import { readConfig } from '../../src/config.js';
import { startServer } from '../../src/server.js';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { ask } from '../support/server.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afferent-start-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const start = (settings: Record<string, string> = {}) =>
  startServer(readConfig({ PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, ...settings }));

const sentence = async (settings: Record<string, string>): Promise<string | undefined> => {
  try {
    await (await start(settings)).stop();
    return 'it started';
  } catch (error) {
    return sentenceFor(error);
  }
};

test('what is shipped is stored once; what was changed or deleted stays so', async () => {
  const first = await start();
  expect(first.seeded.length).toBeGreaterThan(3);
  const id = 'phq-9-1.1.0';
  const { body } = await ask(`${first.base}/Questionnaire/${id}`);
  await ask(`${first.base}/Questionnaire/${id}`, {
    method: 'PUT',
    body: { ...body, version: '1.0.1-local', title: 'Ours' },
  });
  await ask(`${first.base}/Questionnaire/skin-lesion-1.1.0`, { method: 'DELETE' });
  await first.stop();
  const second = await start();
  expect(second.seeded).toEqual([]);
  expect((await ask(`${second.base}/Questionnaire/${id}`)).body).toMatchObject({
    title: 'Ours',
    meta: { versionId: '2' },
  });
  expect((await ask(`${second.base}/Questionnaire/skin-lesion-1.1.0`)).status).toBe(410);
  await second.stop();
});

test('every loopback address is answered at', async () => {
  const server = await start({ HOST: '127.0.0.2' });
  expect((await ask(`${server.base}/Patient`)).status).toBe(200);
  await server.stop();
});

test('an address of the network is refused, as are settings that are none', async () => {
  expect(await sentence({ HOST: '0.0.0.0' })).toMatch(/^afferent: HOST: "0.0.0.0" is not a loopback address/);
  expect(() => readConfig({ PORT: 'x' })).toThrow(/PORT: "x" is not a whole number/);
  expect(() => readConfig({ STORE: 'postgres' })).toThrow(/STORE: "postgres" is none of sqlite, mongodb/);
  expect(() => readConfig({ BASE_URL: 'ftp://x' })).toThrow(/BASE_URL/);
});

test('a port that is taken, a folder that is a file and a file that is no database are told', async () => {
  const server = await start();
  const port = new URL(server.base).port;
  expect(await sentence({ PORT: port, DATA_DIR: join(folder, 'other') })).toMatch(/^afferent: PORT is taken/);
  await server.stop();
  await writeFile(join(folder, 'file'), '');
  expect(await sentence({ DATA_DIR: join(folder, 'file') })).toMatch(/^afferent: DATA_DIR: .*EEXIST|ENOTDIR/);
  const garbage = await mkdtemp(join(folder, 'garbage-'));
  await writeFile(join(garbage, 'afferent.sqlite'), 'x'.repeat(5000));
  expect(await sentence({ DATA_DIR: garbage })).toMatch(/^afferent: The SQLite file in DATA_DIR: .*not a database/);
});

describeMongo('start', (url) => {
  test('a URL that weakens an acknowledged write is refused', async () => {
    const settings = { STORE: 'mongodb', MONGODB_DATABASE: freshDatabase() };
    const weak = `${url}${url.includes('?') ? '&' : '?'}w=1`;
    expect(await sentence({ ...settings, MONGODB_URL: weak })).toMatch(
      /^afferent: The MongoDB store does not start: .*MONGODB_URL/,
    );
    expect(await sentence({ ...settings, MONGODB_URL: 'mongo://x' })).toMatch(/^afferent: MongoDB \(check MONGODB_URL/);
  });

  test('a mongod that is not there is told, with what to do', async () => {
    const settings = { STORE: 'mongodb', MONGODB_URL: 'mongodb://user:secret@127.0.0.1:9/?replicaSet=rs0' };
    const said = await sentence(settings);
    expect(said).toMatch(
      /^afferent: The MongoDB store does not start: no primary answers at .*127.0.0.1:9.*rs0.*rs\.initiate/,
    );
    expect(said).not.toContain('secret');
  });
});
