/** Each hole of the table is made in a copy of the sources, and the oracle has to find it. (test/oracle/holes.ts) */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holes as table, type Hole } from '../oracle/holes.js';
import type { Figures, Proof } from './index.js';

const ROOT = new URL('../../', import.meta.url).pathname;
/** Two worlds: a hole that is found in each is not found by luck. */
const SEEDS = [2026, 7];
/** A hole that is not found in so many pairs is not found. */
const PAIRS = 2000;
/** What the copy only reads. */
const LINKED = ['node_modules', 'conformance', 'profiles', 'questionnaires', 'package.json', 'tsconfig.json'];

export const holes: Proof = {
  name: 'holes',
  rounds: { long: 1, short: 0 },
  // The rules are above the stores; what stores do alike is shown by the oracle itself, on both.
  store: 'sqlite',
  run: () => findAll(),
};

async function findAll(): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'afferent-holes-'));
  try {
    for (const name of LINKED) await symlink(join(ROOT, name), join(folder, name));
    for (const name of ['src', 'test/oracle']) await cp(join(ROOT, name), join(folder, name), { recursive: true });
    for (const { caught, why } of await asked(folder))
      if (caught) throw new Error(`Without a hole it is found wrong: ${why}`);
    const figures: Figures = { holes: 0, caught: 0, 'most pairs': 0 };
    const missed: string[] = [];
    for (const hole of table) {
      const found = await withHole(folder, hole, () => asked(folder));
      figures.holes! += 1;
      const after = found.map(({ caught, pairs }) => (caught ? `caught after ${pairs}` : 'NOT CAUGHT'));
      console.log(`${after.join(', ')}: ${hole.file}: ${hole.name}`);
      if (!found.every(({ caught }) => caught)) missed.push(hole.name);
      else {
        figures.caught! += 1;
        figures['most pairs'] = Math.max(figures['most pairs']!, ...found.map(({ pairs }) => pairs));
      }
    }
    if (missed.length > 0)
      throw new Error(`${figures.caught} of ${figures.holes} are caught. Not: ${missed.join('; ')}`);
    return figures;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function withHole<T>(folder: string, { file, find, replace }: Hole, work: () => Promise<T>): Promise<T> {
  const path = join(folder, 'src', file);
  const whole = await readFile(path, 'utf8');
  await writeFile(
    path,
    whole.replace(find, () => replace),
  );
  try {
    return await work();
  } finally {
    await writeFile(path, whole);
  }
}

interface Found {
  caught: boolean;
  pairs: number;
  why: string;
}

/** Of each seed. Throws when the copy does not run: a hole that breaks everything is none. */
async function asked(cwd: string): Promise<Found[]> {
  const run = promisify(execFile);
  const found: Found[] = [];
  for (const seed of SEEDS) {
    const args = ['--max-semi-space-size=64', '--import', 'tsx', 'test/oracle/holed.ts', `${seed}`, `${PAIRS}`];
    const { stdout } = await run(process.execPath, args, { cwd, maxBuffer: 10_000_000 });
    found.push(JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Found);
  }
  return found;
}
