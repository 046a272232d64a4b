/** Reads alone, then beside one client that sends 5 MB, again as soon as it is answered, or 2 MB of entries a second. */
import type { LoadJob, LoadSetup } from './load.js';
import { WARMUP, watched, type Options } from './measurer.js';
import type { Beside } from './result.js';
import type { Answering, Mongod } from './servers.js';
import { startWorker, type Worker } from './worker.js';

const CONNECTIONS = 16;

export async function besideWrites(
  options: Options,
  server: Answering,
  load: Worker<LoadJob>,
  mongod: Mongod | undefined,
): Promise<Beside[]> {
  const results: Beside[] = [];
  const second = await startWorker<LoadJob>('load.ts', { size: options.size } satisfies LoadSetup);
  const job = { port: server.port, warmup: WARMUP, seconds: options.seconds, seed: 5 };
  const who = { answering: server.pid, generators: [load.pid, second.pid], mongod: mongod?.pid };
  try {
    for (const writer of ['nobody', 'large-resource', 'large-binary', 'large-bundle'] as const) {
      const reading = watched(load, { ...job, row: 'read', connections: CONNECTIONS }, who);
      const writing = writer === 'nobody' ? undefined : second.run({ ...job, row: writer, connections: 1 });
      const [{ outcome, finish }, writes] = await Promise.all([reading, writing]);
      const reads = finish(outcome, { row: 'read', by: 'server', connections: CONNECTIONS });
      if (writes !== undefined && writes.refused > 0) reads.void.push(`${writes.refused} writes were no 2xx`);
      if (writes?.count === 0) reads.void.push('nothing was written');
      const perSecond = writes && Math.round((writes.count / writes.seconds) * 10) / 10;
      results.push({ writer, reads, ...(perSecond === undefined ? {} : { writesPerSecond: perSecond }) });
      options.say(
        `reads beside ${writer} (${perSecond ?? 0}/s): ${reads.rate}/s, p99 ${reads.p99} ms, longest ${reads.most} ms` +
          (reads.void.length === 0 ? '' : ` VOID: ${reads.void.join('; ')}`),
      );
    }
  } finally {
    second.stop();
  }
  return results;
}
