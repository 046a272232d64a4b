/** Starts a thread of ours. */
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
