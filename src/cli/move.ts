/** move: a whole server's data from one kind of store to the other. */
import { ConfigError } from '../config.js';
import { fill } from '../transfer/fill.js';
import { storeSource } from '../transfer/source.js';
import { indexingOf, inSeconds, placeOf, progress, say, settings, withData } from './data.js';

export async function moveTo(kind: string): Promise<void> {
  const started = performance.now();
  const from = settings();
  if (kind !== 'sqlite' && kind !== 'mongodb') throw new ConfigError(`"${kind}" is neither sqlite nor mongodb.`);
  if (kind === from.store) throw new ConfigError(`STORE is ${kind} already: STORE names where the data is now.`);
  const to = { ...from, store: kind } as const;
  await withData(from, (data) =>
    withData(to, async (target) => {
      const { versions, blobs, vault, audit } = await fill(
        'move',
        await storeSource(data),
        target,
        indexingOf(to),
        progress(),
      );
      say(
        `${placeOf(to)} now holds ${versions} versions, ${blobs} blobs, ${vault} records of the vault and ${audit} of the audit trail, compared by hash with ${placeOf(from)}, in ${inSeconds(started)}.`,
      );
      say(
        `If a server was running, stop it and give this command once more for what it wrote since; then start with STORE=${kind}.`,
      );
    }),
  );
}
