/** The commands as an operator types them, in processes of their own: what they say, how they end, and kill -9. */
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFileBlobs } from '../../src/blob/files.js';
import { systemClock as clock } from '../../src/kit/clock.js';
import { openSqliteStore } from '../../src/store/sqlite/index.js';
import { contents, populate, version, write } from '../transfer/world.js';

const CLI = fileURLToPath(new URL('../../dist/cli/index.js', import.meta.url));
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'afferent-cli-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  said: string;
}

/** Runs a command on the data of a subfolder; `kill` may end it. */
function run(data: string, args: string[], kill?: (end: () => void) => void, more: object = {}): Promise<Ended> {
  const environment = { PATH: process.env.PATH, DATA_DIR: join(folder, data), LOG_LEVEL: 'silent', PORT: '0', ...more };
  const child = spawn(process.execPath, [CLI, ...args], { env: environment });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  kill?.(() => child.kill('SIGKILL'));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, said })));
}

async function using<T>(data: string, work: (data: Awaited<ReturnType<typeof opened>>) => Promise<T>): Promise<T> {
  const there = await opened(data);
  try {
    return await work(there);
  } finally {
    await there.blobs.close();
    await there.store.close();
  }
}

async function opened(data: string) {
  const blobs = await createFileBlobs({ folder: join(folder, data, 'blobs'), clock });
  return { store: openSqliteStore({ file: join(folder, data, 'afferent.sqlite'), clock }), blobs };
}

test('backup, and a restore that is killed: nothing starts on the half, the same command ends it', async () => {
  const was = await using('a', async (data) => {
    await populate(data);
    for (let wave = 0; wave < 6; wave += 1)
      await write(data, ...Array.from({ length: 500 }, (_, n) => version('Basic', `w${wave}-${n}`, 1)));
    return contents(data);
  });
  const saved = await run('a', ['backup', join(folder, 'saved')]);
  expect(saved).toMatchObject({
    code: 0,
    said: expect.stringMatching(/Backed up 4106 versions, 3 blobs, 2 records of the vault and 0 of the audit trail/),
  });

  const killed = await using('b', async ({ store }) =>
    run('b', ['restore', join(folder, 'saved')], (end) => {
      const look = setInterval(() => {
        void store.keeping.note('filling').then((note) => {
          if (note === undefined || note.includes('"versions":0')) return;
          clearInterval(look);
          end();
        });
      }, 1);
    }),
  );
  expect(killed.code).toBeNull();
  expect(await run('b', ['serve'])).toMatchObject({
    code: 1,
    said: expect.stringMatching(
      /^afferent: A restore into this store was interrupted after \d+ versions: give the same/,
    ),
  });
  const again = await run('b', ['restore', join(folder, 'saved')]);
  expect(again).toMatchObject({ code: 0, said: expect.stringContaining('Restored 4106 versions') });
  expect(await using('b', contents)).toEqual(was);
  expect(await run('b', ['reindex'])).toMatchObject({ code: 0, said: expect.stringMatching(/of 3\d+ resources anew/) });
}, 120_000);

test('what an operator can mend is one sentence and exit code 1', async () => {
  await using('a', (data) => write(data, version('Patient', 'a', 1)));
  await writeFile(join(folder, 'file'), '');
  const cases: [string[], RegExp][] = [
    [['backup', folder], /^afferent: .* is not empty: a backup takes a folder of its own\.\n$/],
    [['restore', join(folder, 'nothing')], /^afferent: .* is no backup, or one that was not finished.*\n$/],
    [['move', 'sqlite'], /^afferent: STORE is sqlite already.*\n$/],
    [['move', 'paper'], /^afferent: "paper" is neither sqlite nor mongodb\.\n$/],
    [['backup', join(folder, 'file')], /^afferent: .*file cannot be a folder for a backup.*\n$/],
  ];
  const answers = await Promise.all(cases.map(([args]) => run('a', args)));
  answers.forEach(({ code, said }, at) => {
    expect(said).toMatch(cases[at]?.[1] ?? /^$/);
    expect(code).toBe(1);
  });
  expect(await readdir(folder)).toEqual(['a', 'file']);
}, 60_000);

test('--help of each command says what to know before', async () => {
  const commands = ['backup', 'restore', 'move', 'reindex'];
  const answers = await Promise.all(commands.map((command) => run('a', [command, '--help'])));
  answers.forEach(({ code, said }, at) => {
    expect(code).toBe(0);
    expect(said).toContain(`afferent ${String(commands[at])}`);
    expect(said).toContain('DATA_DIR');
    expect(said.length).toBeGreaterThan(900);
  });
}, 60_000);
