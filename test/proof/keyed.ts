/**
 * A submission over a bad link to a server that falls: each client sends creates and transactions with a key of their
 * own, and sends the same again until it hears an answer, sometimes twice at once. Whatever fell when, what was
 * submitted is there once, and all who were answered were told the same.
 */
import assert from 'node:assert/strict';
import { entries, pause, send, type Answer } from './client.js';
import type { Figures, Proof } from './index.js';
import { runName, SYSTEM } from './races.js';
import { onScene } from './scenes.js';

const CLIENTS = 16;

export const keyedOverKills: Proof = {
  name: 'keyed submissions over kills of the server',
  rounds: { long: 200, short: 8 },
  run: (settings, kills) =>
    onScene('server', settings, async ({ base, strike }) => {
      const run = runName();
      const figures = { kills, submissions: 0, requests: 0, unheard: 0, repeated: 0, twice: 0, differing: 0 };
      const submitted = new Map<string, number>();
      const stop = new AbortController();
      const clients = Array.from({ length: CLIENTS }, async (_, client) => {
        for (let n = 0; !stop.signal.aborted; n += 1) {
          const marker = `${run}-${client}-${n}`;
          const resources = n % 2 === 0 ? 1 : 2;
          await submit(base, marker, resources, figures);
          submitted.set(marker, resources);
        }
      });
      const all = Promise.all(clients).then(() => undefined);
      try {
        for (let kill = 0; kill < kills; kill += 1) {
          // A client that fails ends the proof at once.
          await Promise.race([pause(50 + Math.random() * 500), all]);
          await Promise.race([strike(), all]);
        }
      } finally {
        stop.abort();
      }
      await all;
      figures.submissions = submitted.size;
      await verify(base, submitted);
      return figures;
    }),
};

/** One submission, until it is answered; afterwards it is sent once more now and then. */
async function submit(base: string, marker: string, resources: number, figures: Figures): Promise<void> {
  const create = { resource: basic(marker), request: { method: 'POST', url: 'Basic' } };
  const body =
    resources === 1 ? basic(marker) : { resourceType: 'Bundle', type: 'transaction', entry: [create, create] };
  const once = async () => {
    count(figures, 'requests');
    return send(resources === 1 ? `${base}/Basic` : base, { headers: { 'Idempotency-Key': marker }, body });
  };
  const answered = new Set<string>();
  const until = performance.now() + LONGEST_MS;
  for (let more = true; more;) {
    assert.ok(performance.now() < until, `${marker} was not answered in time`);
    const answers = await Promise.all(Math.random() < 0.3 ? [once(), once()] : [once()]);
    for (const answer of answers) {
      if (answer.fate === 'unknown') count(figures, 'unheard');
      if (answer.headers['idempotent-replayed'] === 'true') count(figures, 'repeated');
      if (answer.fate === 'done') answered.add(told(answer));
      else assert.ok(answer.status === 0 || answer.status === 503, `${answer.status}: ${answer.text.slice(0, 500)}`);
    }
    more = answered.size === 0 || Math.random() < 0.3;
    if (answered.size === 0) await pause(25);
  }
  assert.deepEqual([...answered].slice(1), [], `${marker} was answered in different ways`);
}

/** Each submission is there once, with all of its resources, and none of them was changed. */
async function verify(base: string, submitted: Map<string, number>): Promise<void> {
  const markers = [...submitted.keys()];
  for (let at = 0; at < markers.length; at += 100) {
    const some = markers.slice(at, at + 100);
    const values = some.map((marker) => `${SYSTEM}%7C${marker}`).join(',');
    const found = new Map<string, number>();
    for (const { resource } of await entries(`${base}/Basic?identifier=${values}&_count=1000`)) {
      const marker = resource.identifier[0].value;
      found.set(marker, (found.get(marker) ?? 0) + 1);
      assert.equal(resource.meta.versionId, '1', `${marker} was written twice`);
    }
    for (const marker of some)
      assert.equal(found.get(marker), submitted.get(marker), `${marker}: not as many as were submitted`);
  }
}

const told = ({ status, headers, text }: Answer): string =>
  JSON.stringify([status, headers.location, headers.etag, text]);

function count(figures: Figures, name: string): void {
  figures[name] = (figures[name] ?? 0) + 1;
}

const basic = (marker: string) => ({
  resourceType: 'Basic',
  identifier: [{ system: SYSTEM, value: marker }],
  code: { text: 'x'.repeat(400) },
});

const LONGEST_MS = 60_000;
