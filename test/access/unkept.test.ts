/** AU-03: what the audit trail cannot tell of is neither shown nor written; and `afferent audit verify` as an operator has it. */
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { readConfig } from '../../src/config.js';
import { startServer, type RunningServer } from '../../src/server.js';
import { ask } from '../support/server.js';

let folder = '';
let server: RunningServer;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afferent-unkept-'));
  server = await startServer(readConfig({ PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder, AUDIT: 'on' }));
});
afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

function onFile<T>(work: (db: Database.Database) => T): T {
  const db = new Database(join(folder, 'afferent.sqlite'));
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const verify = (...more: string[]) =>
  spawnSync(process.execPath, ['dist/cli/index.js', 'audit', 'verify', ...more], {
    env: { PATH: process.env.PATH, DATA_DIR: folder },
    encoding: 'utf8',
  });

test('AU-03 without a place for its record nothing is shown and nothing is written; a refusal is told all the same', async () => {
  const patient = { resourceType: 'Patient', name: [{ family: 'Unseen' }] };
  const { body } = await ask(`${server.base}/Patient`, { body: patient });
  onFile((db) => db.exec('ALTER TABLE audit_link RENAME TO audit_gone'));
  try {
    for (const path of [`/Patient/${body.id}`, '/Patient?name=unseen', `/Patient/${body.id}/_history`]) {
      const shown = await ask(`${server.base}${path}`);
      expect([path, shown.status, shown.text.includes('Unseen')]).toEqual([path, 503, false]);
      expect(shown.body.issue[0].diagnostics).toContain('audit trail');
    }
    const created = await ask(`${server.base}/Patient`, { body: { ...patient, name: [{ family: 'Unwritten' }] } });
    expect(created.status).toBeGreaterThanOrEqual(500);
    expect((await ask(`${server.base}/Patient/none`)).status).toBe(404);
    expect((await ask(`${server.base}/Patient?nothing=x`)).status).toBe(400);
  } finally {
    onFile((db) => db.exec('ALTER TABLE audit_gone RENAME TO audit_link'));
  }
  expect((await ask(`${server.base}/Patient/${body.id}`)).status).toBe(200);
  expect((await ask(`${server.base}/Patient?name=unwritten&_total=accurate`)).body.total).toBe(0);
});

test('AU-04 audit verify prints the heads, takes them back, and ends with 1 and the place where something was changed', async () => {
  const whole = verify();
  expect([whole.status, whole.stderr]).toEqual([0, expect.stringContaining('is what was written')]);
  expect(whole.stdout).toMatch(/^[0-9a-f]{16} \d+ [0-9a-f]{64}\n$/);
  const heads = join(folder, 'heads');
  await writeFile(heads, whole.stdout);
  await ask(`${server.base}/Patient`);
  expect(verify('--heads', heads).status).toBe(0);
  onFile((db) => db.exec(`UPDATE audit_link SET text = replace(text, '"read"', '"vread"') WHERE num = 2`));
  const changed = verify('--heads', heads);
  expect([changed.status, changed.stderr]).toEqual([1, expect.stringMatching(/[0-9a-f]{16}-1 {2}Record 1 is altered/)]);
});
