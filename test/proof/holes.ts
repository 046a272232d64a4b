/** Each hole of the table is made in a copy of the sources, and the oracle has to find it. (test/oracle/holes.ts) */
import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { holes as table, type Hole } from '../oracle/holes.js';
import type { Figures, Proof } from './index.js';

const ROOT = new URL('../../', import.meta.url).pathname;
const SEED = 2026;
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
    const whole = await asked(folder);
    if (whole.caught) throw new Error(`Without a hole it is found wrong: ${whole.why}`);
    const figures: Figures = { holes: 0, caught: 0, 'most pairs': 0 };
    const missed: string[] = [];
    for (const hole of table) {
      const { caught, pairs } = await withHole(folder, hole, () => asked(folder));
      figures.holes! += 1;
      console.log(`${caught ? `caught after ${pairs}` : 'NOT CAUGHT'}: ${hole.file}: ${hole.name}`);
      if (!caught) missed.push(hole.name);
      else {
        figures.caught! += 1;
        figures['most pairs'] = Math.max(figures['most pairs']!, pairs);
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

/** Throws when the copy does not run: a hole that breaks everything is none. */
async function asked(cwd: string): Promise<{ caught: boolean; pairs: number; why: string }> {
  const run = promisify(execFile);
  const args = ['--max-semi-space-size=64', '--import', 'tsx', 'test/oracle/holed.ts', `${SEED}`, `${PAIRS}`];
  const { stdout } = await run(process.execPath, args, { cwd, maxBuffer: 10_000_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as { caught: boolean; pairs: number; why: string };
}
