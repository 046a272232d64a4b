/** blobs collect: removes the bytes that no version refers to, beside a server or without one. */
import { systemClock } from '../kit/clock.js';
import { ConfigError } from '../config.js';
import { limits } from '../kit/limits.js';
import { createCollector } from '../repository/collect.js';
import { say, settings, withData } from './data.js';

export async function blobs(what: string, grace?: string, held?: string): Promise<void> {
  if (what !== 'collect') throw new ConfigError(`blobs ${what}: only "blobs collect" is there.`);
  const terms = {
    orphanMs: secondsOf('grace', grace, limits.orphanMs),
    blobHeldMs: secondsOf('held', held, limits.blobHeldMs),
  };
  await withData(settings(), async (data) => {
    const { looked, removed, bytes } = await createCollector({ ...data, clock: systemClock })(terms);
    say(`Looked at ${looked} blobs and removed ${removed} that nothing refers to (${bytes} bytes).`);
  });
}

function secondsOf(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (!/^[0-9]{1,9}$/.test(given)) throw new ConfigError(`${name}: "${given}" is not a whole number of seconds.`);
  return Number(given) * 1000;
}
