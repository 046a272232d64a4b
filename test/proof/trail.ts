/**
 * The audit trail over a server that falls (AU-03): clients read, search and write until the server is killed, again and
 * again. Every answer that was heard, of a read or of a write, has its record afterwards, and the chain holds.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { pause, send } from './client.js';
import type { Proof } from './index.js';
import { onScene } from './scenes.js';
import { environmentOf, SERVER } from './server.js';

const CLIENTS = 16;
/** A process that fell is known to be dead after some seconds; then its records are brought into the log. */
const RECOVERY_MS = 30_000;

export const trailOverKills: Proof = {
  name: 'audit trail over kills of the server',
  rounds: { long: 200, short: 5 },
  run: (settings, kills) =>
    onScene(
      'server',
      settings,
      async ({ base, strike, environment }) => {
        const figures = { kills, answered: 0, reads: 0, writes: 0, records: 0, missing: 0 };
        const heard = new Map<string, string>();
        const ids: string[] = [];
        const hear = async (what: 'reads' | 'writes', path: string, body?: object): Promise<void> => {
          const answer = await send(`${base}/${path}`, body === undefined ? {} : { body });
          if (answer.fate !== 'done') {
            await pause(20);
            return;
          }
          heard.set(String(answer.headers['x-request-id']), `${what} ${path}`);
          figures[what] += 1;
          if (what === 'writes') ids.push((JSON.parse(answer.text) as { id: string }).id);
        };
        for (let kill = 0; kill < kills; kill += 1) {
          const stop = new AbortController();
          const clients = Array.from({ length: CLIENTS }, async (_, client) => {
            for (let n = client; !stop.signal.aborted; n += 1) {
              const id = ids[Math.floor(Math.random() * ids.length)];
              if (n % 3 === 0 || id === undefined) await hear('writes', 'Patient', { resourceType: 'Patient' });
              else if (n % 3 === 1) await hear('reads', `Patient/${id}`);
              else await hear('reads', `Patient?_id=${id}`);
            }
          });
          await pause(100 + Math.random() * 500);
          await strike();
          stop.abort();
          await Promise.all(clients);
        }
        figures.answered = heard.size;
        const until = performance.now() + RECOVERY_MS;
        let told = await requestsIn(base);
        const missing = () => [...heard].filter(([request]) => !told.has(request));
        while (missing().length > 0 && performance.now() < until) {
          await pause(1000);
          told = await requestsIn(base);
        }
        figures.records = told.size;
        figures.missing = missing().length;
        assert.deepEqual(missing().slice(0, 5), [], 'answers without a record');
        const verified = spawnSync(process.execPath, [SERVER, 'audit', 'verify'], { env: environmentOf(environment) });
        assert.equal(verified.status, 0, verified.stderr.toString());
        return figures;
      },
      { AUDIT: 'on' },
    ),
};

/** The requests that the trail tells of. */
async function requestsIn(base: string): Promise<Set<string>> {
  const found = new Set<string>();
  for (let next: string | undefined = `${base}/AuditEvent?_count=1000`; next !== undefined;) {
    const { text, status } = await send(next);
    assert.equal(status, 200, text.slice(0, 300));
    const bundle = JSON.parse(text) as {
      entry?: { resource: { entity?: { type?: { code?: string }; what?: { identifier?: { value: string } } }[] } }[];
      link: { relation: string; url: string }[];
    };
    for (const { resource } of bundle.entry ?? [])
      for (const { type, what } of resource.entity ?? [])
        if (type?.code === 'XrequestId' && what?.identifier !== undefined) found.add(what.identifier.value);
    next = bundle.link.find(({ relation }) => relation === 'next')?.url;
  }
  return found;
}
