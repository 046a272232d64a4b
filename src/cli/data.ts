/** What the commands on a whole store share: opening it, telling, and the rules of its search values. */
import { readConfig, type Config } from '../config.js';
import { loadDefinitions } from '../fhir/definitions.js';
import { FHIR_PATH } from '../http/app.js';
import { systemClock } from '../kit/clock.js';
import { createIndexing, type Indexing } from '../repository/reindex.js';
import { createRegistry } from '../search/registry.js';
import { openStore } from '../server.js';
import { createProgress, type Progress } from '../transfer/progress.js';
import type { Data } from '../transfer/source.js';
import { sentenceFor } from './sentence.js';

/** Standard error, so that standard output stays free for what a command gives. */
export const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs a command; what an operator can mend ends it with a sentence and exit code 1. */
export const told =
  <Given extends unknown[]>(command: (...given: Given) => Promise<void>) =>
  async (...given: Given): Promise<void> => {
    try {
      await command(...given);
    } catch (error) {
      const sentence = sentenceFor(error);
      if (sentence === undefined) throw error;
      say(sentence);
      process.exitCode = 1;
    }
  };

export const settings = (): Config => readConfig();

/** Opens both halves for as long as the work lasts. */
export async function withData<T>(config: Config, work: (data: Data) => Promise<T>): Promise<T> {
  const data = await openStore(config, systemClock);
  try {
    return await work(data);
  } finally {
    await data.blobs.close();
    await data.store.close();
  }
}

/** As a server with these settings makes its search values. */
export const indexingOf = (config: Config): Indexing =>
  createIndexing(createRegistry(loadDefinitions()), baseOf(config));

/** As a server with these settings has it. */
export function baseOf({ baseUrl, host, port }: Config): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return baseUrl === '' ? `http://${name}:${port}${FHIR_PATH}` : baseUrl;
}

export const progress = (): Progress =>
  createProgress((text) => {
    say(`  ${text}`);
  });

export const inSeconds = (started: number): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;

export const placeOf = ({ store, dataDir, mongodbDatabase }: Config): string =>
  store === 'sqlite' ? `SQLite in ${dataDir}` : `MongoDB database ${mongodbDatabase}`;
