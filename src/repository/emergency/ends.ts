/** Emergencies end by themselves; that they did is told some seconds later, by whichever process looks first. */
import type { Log } from '../../kit/log.js';
import { limits } from '../../kit/limits.js';
import type { Emergencies } from './index.js';

export function tellEndsPeriodically(
  { tellEnds }: Pick<Emergencies, 'tellEnds'>,
  log: Log,
): { close(): Promise<void> } {
  let round: Promise<void> | undefined;
  const timer = setInterval(() => {
    round ??= tellEnds()
      .then(
        (told) => {
          if (told > 0) log.info({ told }, 'emergencies are over');
        },
        (error: unknown) => log.error({ emergencies: String(error) }),
      )
      .finally(() => (round = undefined));
  }, limits.emergencyLookMs);
  timer.unref();
  return {
    async close() {
      clearInterval(timer);
      await round;
    },
  };
}
