import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createFileBlobs } from '../../src/blob/files.js';
import { systemClock } from '../../src/kit/clock.js';
import { blobsContract } from './blobs.js';
import { createFakeClock } from './store.js';

const temporary = () => mkdtemp(join(tmpdir(), 'afferent-blobs-'));

blobsContract('Files', async () => {
  const folder = await temporary();
  const clock = createFakeClock();
  const blobs = await createFileBlobs({ folder, clock });
  return {
    blobs,
    clock,
    another: () => createFileBlobs({ folder, clock }),
    stored: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true });
      return entries.filter((entry) => entry.isFile() && basename(entry.parentPath) !== 'held').length;
    },
    close: async () => {
      await blobs.close();
      await rm(folder, { recursive: true });
    },
  };
});

test('what a process left half-written is removed when the next one starts, but not what is still coming', async () => {
  const folder = await temporary();
  await createFileBlobs({ folder, clock: systemClock });
  const [old, young] = [join(folder, 'incoming', 'old'), join(folder, 'incoming', 'young')];
  await writeFile(old, 'half');
  await writeFile(young, 'half');
  await utimes(old, 1, 1);
  await createFileBlobs({ folder, clock: systemClock });
  expect(await readdir(join(folder, 'incoming'))).toEqual(['young']);
  await rm(folder, { recursive: true });
});
