/** What is shipped is stored as soon as it can be looked for; with a large store to reindex the server serves meanwhile. */
import { setTimeout as pause } from 'node:timers/promises';
import { operator } from '../access/principal.js';
import type { Clock } from '../kit/clock.js';
import { requestId } from '../kit/id.js';
import { limits } from '../kit/limits.js';
import type { Log } from '../kit/log.js';
import type { Indexed } from '../repository/indexed.js';
import type { Repository } from '../repository/repository.js';
import { seed } from './seed.js';

interface Parts {
  indexed: Indexed;
  clock: Clock;
  log: Log;
  repository: Repository;
}

/** What was stored until it is time to serve. */
export async function startSeeding({ indexed, clock, log, repository }: Parts): Promise<string[]> {
  const seeding = indexed.ready.then(() =>
    indexed.isReady() ? seed({ id: requestId(), at: clock.now(), principal: operator }, repository) : [],
  );
  seeding.catch((error: unknown) => {
    log.error({ err: error }, 'what is shipped could not be stored');
  });
  return indexed.isReady() ? seeding : Promise.race([seeding, pause(limits.reindexWaitMs, [], { ref: false })]);
}
