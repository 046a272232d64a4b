/** serve: start, say where things are, and stop gracefully when asked to. */
import { resolve } from 'node:path';
import { readConfig, type Config } from '../config.js';
import { startServer, type RunningServer } from '../server.js';
import { demoConfig, tellDemo, writeDemo } from './demo.js';
import { sentenceFor } from './sentence.js';

export async function serve({ demo = false }: { demo?: boolean } = {}): Promise<void> {
  let server: RunningServer;
  try {
    const config = demo ? demoConfig(readConfig()) : readConfig();
    server = await startServer(config);
    say(welcome(config, server));
    if (demo) {
      const made = await server.makeDemo();
      say(tellDemo(made, resolve(await writeDemo(config, made))));
    }
  } catch (error) {
    const sentence = sentenceFor(error);
    if (sentence === undefined) throw error;
    say(sentence);
    process.exitCode = 1;
    return;
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      say(`${signal}: answering what is under way, then stopping.`);
      server.stop().then(
        () => process.exit(0),
        (error: unknown) => {
          say(`Stopping failed: ${String(error)}`);
          process.exit(1);
        },
      );
    });
  }
}

function welcome(config: Config, { base, address, seeded }: RunningServer): string {
  const where = config.store === 'sqlite' ? resolve(config.dataDir) : `MongoDB database ${config.mongodbDatabase}`;
  return [
    `Afferent serves FHIR R4 at ${base}`,
    `  data      ${where}`,
    `  health    ${address}/healthz  ${address}/readyz  ${address}/metrics`,
    `  shipped   ${seeded.length === 0 ? 'all there already' : seeded.join(', ')}`,
    config.authorization === 'open'
      ? `  mode      open: no authorization. It listens on loopback only, and whoever calls is the operator.`
      : `  mode      smart: SMART App Launch 2.2, see ${base}/.well-known/smart-configuration`,
  ].join('\n');
}

/** Standard error, so that the log on standard output stays one JSON object a line. */
const say = (text: string): boolean => process.stderr.write(`${text}\n`);
