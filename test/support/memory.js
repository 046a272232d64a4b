/**
 * Tests keep their files in memory where there is room: a sync then costs nothing. What they promise about a process
 * that is killed holds there too, as its pages outlive it. JavaScript, because jest's own setup cannot resolve more.
 */
import { mkdtempSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
const NAME = 'afferent-tests-';
/** A container's usual 64 MB are too few: the large tests keep hundreds, and the mongod its journal. */
const ROOM = 6 * 1024 ** 3;

/** From here on `tmpdir()` is a folder of this run. */
export function useMemory() {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    if (bavail * bsize < ROOM) return;
    for (const name of readdirSync(MEMORY)) {
      const [, pid] = new RegExp(`^${NAME}(\\d+)-`).exec(name) ?? [];
      if (pid !== undefined && !isRunning(Number(pid))) rmSync(join(MEMORY, name), { recursive: true, force: true });
    }
    process.env.TMPDIR = mkdtempSync(join(MEMORY, `${NAME}${process.pid}-`));
  } catch {
    // Not every system has such a place, and nothing depends on it.
  }
}

export function leaveMemory() {
  const folder = process.env.TMPDIR ?? '';
  if (folder.startsWith(join(MEMORY, NAME))) rmSync(folder, { recursive: true, force: true });
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
