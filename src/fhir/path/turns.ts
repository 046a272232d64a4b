/** Reading what others wrote may take long: then others have their turns between. */
import { limits } from '../../kit/limits.js';
import { Turns } from '../../kit/turns.js';
import type { PathReading } from './bounds.js';
import { openEngineInTurns } from './engine.js';
import { EngineWanted, PathError } from './error.js';

/**
 * What is run keeps what it has read. It is asked once more after an error of the kind `later`: each time at least one
 * expression more was read, and how many are read in all is bounded.
 */
export async function inTurns<T>(reading: PathReading, run: () => T): Promise<T> {
  const turns = new Turns();
  for (;;) {
    reading.now = limits.formExpressionTokensNow;
    try {
      return run();
    } catch (error) {
      if (!(error instanceof PathError && error.kind === 'later')) throw error;
      if (error instanceof EngineWanted) await openEngineInTurns();
    } finally {
      delete reading.now;
    }
    await turns.next();
  }
}
