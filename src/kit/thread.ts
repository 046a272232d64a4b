/** Threads of ours: how one starts, and that it stands back for the one that answers requests. */
import { setPriority } from 'node:os';
import { Worker } from 'node:worker_threads';

/**
 * @param file of the thread, as it is called when it is built: run from its sources (`npm run dev`, tests), a thread
 * must learn to read TypeScript first
 */
export function startThread(file: URL, workerData: object): Worker {
  const options = { workerData, execArgv: [] };
  if (!import.meta.url.endsWith('.ts')) return new Worker(file, options);
  const [reader, source] = [import.meta.resolve('tsx/esm/api'), file.href.replace(/\.js$/, '.ts')];
  const code = `import { register } from ${JSON.stringify(reader)}; register(); await import(${JSON.stringify(source)});`;
  return new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`), options);
}

/**
 * To be called by a thread that works beside the requests: where both want a core, it gets a smaller part of it. Linux
 * alone has a priority for each thread; elsewhere this would be that of the whole process, so nothing is done.
 */
export function standBack(): void {
  if (process.platform === 'linux') setPriority(0, NICE);
}

/** About a tenth of what the thread of the requests gets, so that what is large goes on under any load. */
const NICE = 10;
