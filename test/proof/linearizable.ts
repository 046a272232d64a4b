/**
 * One resource and its history under 16 clients: what they were answered must have happened one after another
 * (`register.ts` says when it may have), in calm and while the server or MongoDB's primary is killed.
 */
import assert from 'node:assert/strict';
import { entries, pause, send, versionAt, versionOf, type Answer } from './client.js';
import type { Figures, Proof, ProofByAsking } from './index.js';
import { SYSTEM, runName } from './races.js';
import { anomalyOf, type Operation } from './register.js';
import { onScene, type Victim } from './scenes.js';

const CLIENTS = 16;

/** Rounds are seconds. */
export const linearizable: ProofByAsking = {
  name: 'linearizability of one resource',
  rounds: { long: 60, short: 5 },
  async against(bases, seconds) {
    return prove(bases, () => pause(seconds * 1000));
  },
};

/** Rounds are kills. */
export const linearizableOverKills: Proof = overKills('server', { long: 200, short: 8 });
export const linearizableOverFailover: Proof = {
  ...overKills('primary of three', { long: 50, short: 0 }),
  store: 'mongodb',
};

function overKills(victim: Victim, rounds: { long: number; short: number }): Proof {
  return {
    name: `linearizability of one resource over kills of the ${victim}`,
    rounds,
    run: (settings, kills) =>
      onScene(victim, settings, async ({ base, strike }) => {
        const figures = await prove([base], async () => {
          for (let kill = 0; kill < kills; kill += 1) {
            await pause(200 + Math.random() * 600);
            await strike();
          }
          await pause(300);
        });
        return { kills, ...figures };
      }),
  };
}

async function prove(bases: string[], meanwhile: () => Promise<unknown>): Promise<Figures> {
  const run = runName();
  const [base = ''] = bases;
  const first = await send(`${base}/Patient`, { body: patient(run) });
  assert.equal(first.status, 201, first.text);
  const { id } = versionAt(first.headers.location);
  const operations: Operation[] = [];
  const stop = new AbortController();
  const working = Array.from({ length: CLIENTS }, (_, client) =>
    ask(`${bases[client % bases.length]}/Patient/${id}`, client, run, operations, stop.signal),
  );
  const all = Promise.all(working);
  try {
    // A client that fails ends the proof at once.
    await Promise.race([meanwhile(), all]);
  } finally {
    stop.abort();
  }
  await all;
  const final = (await entries(`${base}/Patient/${id}/_history?_count=500`)).toReversed();
  final.forEach(({ resource }, at) => assert.equal(Number(resource.meta.versionId), at + 1, `Patient/${id} has a gap`));
  const values = final.map(({ resource }) => valueOf(resource));
  assert.equal(anomalyOf(operations, values), undefined);
  const count = (like: (operation: Operation) => boolean) => operations.filter(like).length;
  return {
    clients: CLIENTS,
    operations: operations.length,
    acknowledged: count(({ kind, outcome }) => kind === 'write' && outcome === 'done'),
    conditionsFailed: count(({ conditionFailed }) => conditionFailed === true),
    unknown: count(({ kind, outcome }) => kind === 'write' && outcome === 'unknown'),
    anomalies: 0,
  };
}

/** One client: one request after another, each noted with its times and its answer. */
async function ask(
  url: string,
  client: number,
  run: string,
  operations: Operation[],
  stop: AbortSignal,
): Promise<void> {
  let known = 1;
  for (let n = 0; !stop.aborted; n += 1) {
    const dice = Math.random();
    const value = `${run}-${client}-${n}`;
    const asked = performance.now();
    const note = (answer: Answer, more: Partial<Operation> & Pick<Operation, 'kind'>): void => {
      const { fate: outcome, status, text } = answer;
      const expected = outcome === 'done' || status === 0 || status === 503 || status === 412 || status === 409;
      assert.ok(expected, `answered with ${status}: ${text.slice(0, 500)}`);
      operations.push({ client, asked, answered: performance.now(), outcome, ...more });
    };
    const put = (headers: Record<string, string>) =>
      send(url, { method: 'PUT', headers, body: { ...patient(value), id: url.slice(url.lastIndexOf('/') + 1) } });
    let answer: Answer;
    if (dice < 0.4) {
      answer = await send(url);
      if (answer.fate === 'done') {
        known = versionOf(answer.headers.etag);
        note(answer, { kind: 'read', version: known, seen: [valueOf(JSON.parse(answer.text))] });
      }
    } else if (dice < 0.6) {
      answer = await put({});
      const version = versionOf(answer.headers.etag);
      note(answer, { kind: 'write', value, ...(answer.fate === 'done' ? { version } : {}) });
      if (answer.fate === 'done') known = version;
    } else if (dice < 0.85) {
      const expects = known;
      answer = await put({ 'If-Match': `W/"${expects}"` });
      const version = versionOf(answer.headers.etag);
      const more = answer.fate === 'done' ? { version } : { conditionFailed: answer.status === 412 };
      note(answer, { kind: 'write', value, expects, ...more });
      if (answer.fate === 'done') known = version;
    } else {
      answer = await send(`${url}/_history?_count=10`);
      if (answer.fate === 'done') {
        const seen: any[] = JSON.parse(answer.text).entry;
        note(answer, {
          kind: 'history',
          version: Number(seen[0].resource.meta.versionId),
          seen: seen.map(({ resource }) => valueOf(resource)),
        });
      }
    }
    if (answer.status === 0 || answer.status === 503) await pause(20);
  }
}

const patient = (value: string) => ({ resourceType: 'Patient', identifier: [{ system: SYSTEM, value }] });

const valueOf = (resource: any): string => resource.identifier[0].value;
