/** reindex: makes all search values anew, whether a server would think it necessary or not. */
import { limits } from '../kit/limits.js';
import { reindex } from '../repository/reindex.js';
import { refuseHalf } from '../transfer/fill.js';
import { indexingOf, inSeconds, progress, say, settings, withData } from './data.js';

export async function reindexAll(): Promise<void> {
  const started = performance.now();
  const config = settings();
  await withData(config, async ({ store }) => {
    await refuseHalf(store);
    const tell = progress();
    let old = 0;
    const done = await reindex(store, indexingOf(config), {
      batch: limits.keepingVersions,
      progress: (count, kept) => {
        old = kept;
        tell(`${count} resources`);
      },
    });
    say(`Made the search values of ${done} resources anew in ${inSeconds(started)}.`);
    if (old > 0)
      say(
        `${old} of them keep the values that they had: they have more than this release allows (limits searchValues and combinations).`,
      );
  });
}
