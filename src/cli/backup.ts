/** backup and restore: the data of a server to a folder and back. */
import { resolve } from 'node:path';
import { systemClock } from '../kit/clock.js';
import { backup } from '../transfer/backup.js';
import { fill } from '../transfer/fill.js';
import { checkedFolder } from '../transfer/folder.js';
import { storeSource } from '../transfer/source.js';
import { indexingOf, inSeconds, placeOf, progress, say, settings, withData } from './data.js';

export async function backupTo(folder: string): Promise<void> {
  const started = performance.now();
  await withData(settings(), async (data) => {
    const { versions, blobs, vault, audit } = await backup(
      await storeSource(data),
      resolve(folder),
      systemClock,
      progress(),
    );
    say(
      `Backed up ${versions} versions, ${blobs} blobs, ${vault} records of the vault and ${audit ?? 0} of the audit trail to ${folder} in ${inSeconds(started)}.`,
    );
  });
}

export async function restoreFrom(folder: string): Promise<void> {
  const started = performance.now();
  const config = settings();
  // The whole of it is read and checked before anything is written.
  const { source } = await checkedFolder(resolve(folder), progress());
  await withData(config, async (data) => {
    const { versions, blobs, vault, audit } = await fill('restore', source, data, indexingOf(config), progress());
    say(
      `Restored ${versions} versions, ${blobs} blobs, ${vault} records of the vault and ${audit} of the audit trail into ${placeOf(config)}, and compared them, in ${inSeconds(started)}.`,
    );
  });
}
