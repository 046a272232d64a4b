/** The floors, measured in the same run as the server: HTTP with nothing behind, and the store with nothing before. */
import { join } from 'node:path';
import type { BareJob, BareSetup } from './bare.js';
import type { FloorSetup } from './floors.js';
import type { Measured } from './measure.js';
import { HEAT_CONNECTIONS, quietest, WARMUP, watched, type Measure, type Options, type Place } from './measurer.js';
import { rowOf } from './rows.js';
import { startWorker } from './worker.js';

/** The same requests, answered by a server with nothing behind. */
export async function httpFloors(options: Options, measure: Measure): Promise<Measured[]> {
  const results: Measured[] = [];
  for (const kind of ['node:http', 'Express'] as const) {
    const floor = await startWorker<object, number>('floors.ts', { kind } satisfies FloorSetup);
    try {
      const target = { pid: floor.pid, port: await floor.run({}) };
      for (const row of ['read', 'create'] as const) {
        if (options.rows.some((wanted) => rowOf(wanted).floor === row))
          results.push(...(await measure(row, kind, target)));
      }
    } finally {
      floor.stop();
    }
  }
  return results;
}

/** The same work on the store, without a server. */
export async function bareFloors(options: Options, { folder, mongod, database }: Place): Promise<Measured[]> {
  const results: Measured[] = [];
  const wanted = options.rows.flatMap((row) => rowOf(row).floor ?? []);
  if (wanted.length === 0) return results;
  const where =
    mongod === undefined ? { file: join(folder, 'bare.db') } : { url: mongod.url, database: `${database}_bare` };
  const bare = await startWorker<BareJob>('bare.ts', { size: options.size, ...where } satisfies BareSetup);
  try {
    const heat = { row: 'read', connections: HEAT_CONNECTIONS, warmup: options.heat, seconds: 0.1 } as const;
    await bare.run(heat);
    for (const row of wanted) {
      // SQLite answers reads one after the other, however many ask.
      const alone = mongod === undefined && row !== 'create';
      for (const connections of alone ? [1] : options.connections) {
        const best = await quietest(options, async () => {
          const job = { row, connections, warmup: WARMUP, seconds: options.seconds };
          const who = { answering: bare.pid, generators: [], mongod: mongod?.pid };
          const { outcome, finish } = await watched(bare, job, who);
          return finish(outcome, { row, by: 'bare store', connections });
        });
        options.row(best);
        results.push(best);
      }
    }
  } finally {
    bare.stop();
  }
  return results;
}
