/**
 * Transactions in which one thing is wrong, at the first, a middle or the last place, or whose line breaks: nothing of
 * them remains, neither by search nor in the history of the whole server, and what they would have changed is as it was.
 */
import assert from 'node:assert/strict';
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { entries, json, pages, pause, send, versionAt } from './client.js';
import type { ProofByAsking } from './index.js';
import { good, observation, wrong, type Before, type Entry } from './fault-kinds.js';
import { runName, SYSTEM } from './races.js';

/** TABLE: where the wrong entry stands among so many. */
const places: Record<string, (length: number) => number> = {
  first: () => 0,
  middle: (length) => Math.floor(length / 2),
  last: (length) => length,
};

/** TABLE: how much of the request is sent before the line is cut. */
const cuts: Record<string, (length: number) => number> = {
  'after the head': () => 0,
  'in the middle': (length) => Math.floor(length / 2),
  'one byte before the end': (length) => length - 1,
};

/** Rounds go through both tables, several transactions at once. */
export const faults: ProofByAsking = {
  name: 'faults in transactions',
  rounds: { long: 50, short: 2 },
  async against(bases, rounds) {
    const run = runName();
    const figures = { refused: 0, cut: 0, cutAfterAll: 0, cutAfterAllDone: 0, remains: 0 };
    const works: (() => Promise<void>)[] = [];
    const broken = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      const base = bases[round % bases.length] ?? '';
      const name = `${run}-${round}`;
      works.push(() => accepted(base, `${name}-good`));
      for (const [kind, make] of Object.entries(wrong))
        for (const [place, at] of Object.entries(places))
          works.push(async () => {
            await refused(base, `${name}-${place}-${kind.replaceAll(' ', '.')}`, make, at);
            figures.refused += 1;
          });
      for (const part of Object.values(cuts))
        works.push(async () => {
          await cutShort(base, `${name}-cut-${part(100)}`, part);
          figures.cut += 1;
        });
      works.push(async () => {
        figures.cutAfterAll += 1;
        if (await cutAfterAll(base, `${name}-sent`)) figures.cutAfterAllDone += 1;
      });
    }
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let work = works.pop(); work !== undefined; work = works.pop())
          await work().catch((error: unknown) => broken.add(reasonOf(error)));
      }),
    );
    // All of them, so that one run tells all that a server does not keep.
    assert.deepEqual([...broken], []);
    return figures;
  },
};

/** A proof that finds nothing must be able to find: the same transaction without a fault is there. */
async function accepted(base: string, marker: string): Promise<void> {
  const before = await prepare(base, marker);
  const answer = await send(base, { body: bundle(good(marker, before)) });
  assert.equal(answer.status, 200, `a transaction without a fault was refused: ${answer.text}`);
  const { found, told } = await traces(base, marker, before);
  assert.equal(found, 4, `search finds ${found} of 4 resources of a good transaction`);
  assert.ok(told >= 4, `the history of the server tells of ${told} of 4 resources of a good transaction`);
  assert.deepEqual(await statesOf(base, before), { patient: 2, needed: 1, deleted: 'deleted' });
}

async function refused(
  base: string,
  marker: string,
  make: (marker: string, before: Before) => Entry,
  at: (length: number) => number,
): Promise<void> {
  const before = await prepare(base, marker);
  const all = good(marker, before);
  all.splice(at(all.length), 0, make(marker, before));
  const { status, text } = await send(base, { body: bundle(all) });
  assert.ok(status >= 400 && status < 500, `${marker} was answered with ${status}: ${text.slice(0, 500)}`);
  await nothingRemains(base, marker, before);
}

async function cutShort(base: string, marker: string, part: (length: number) => number): Promise<void> {
  const before = await prepare(base, marker);
  const body = JSON.stringify(bundle(good(marker, before)));
  await sendPart(base, body, part(body.length));
  await pause(200);
  await nothingRemains(base, marker, before);
}

/** All of it was sent, and nobody waited for the answer: all of it or nothing. */
async function cutAfterAll(base: string, marker: string): Promise<boolean> {
  const before = await prepare(base, marker);
  const body = JSON.stringify(bundle(good(marker, before)));
  await sendPart(base, body, body.length);
  // It may still be at work, and several reads do not see one moment: what comes is waited for, and then looked at anew.
  for (let wait = 0; wait < 40 && (await traces(base, marker, before)).found === 0; wait += 1) await pause(250);
  await pause(250);
  const { found } = await traces(base, marker, before);
  if (found === 0) await nothingRemains(base, marker, before);
  else {
    assert.equal(found, 4, `HALF: ${found} of 4 resources of ${marker} are there`);
    assert.deepEqual(await statesOf(base, before), { patient: 2, needed: 1, deleted: 'deleted' }, `HALF: ${marker}`);
  }
  return found > 0;
}

async function nothingRemains(base: string, marker: string, before: Before): Promise<void> {
  assert.deepEqual(await traces(base, marker, before), { found: 0, told: 0 }, `REMAINS of ${marker}`);
  assert.deepEqual(await statesOf(base, before), { patient: 1, needed: 1, deleted: 1 }, `CHANGED by ${marker}`);
}

const since = new WeakMap<Before, string>();

/** What the transaction is about, made without its marker. */
async function prepare(base: string, marker: string): Promise<Before> {
  const make = async (resource: { resourceType: string }): Promise<string> => {
    const answer = await send(`${base}/${resource.resourceType}`, { body: resource });
    assert.equal(answer.status, 201, answer.text);
    return versionAt(answer.headers.location).id;
  };
  const other = { resourceType: 'Patient', active: true };
  const before = { patient: await make(other), needed: await make(other), deleted: await make(other) };
  await make(observation(`before.${marker.length}`, `Patient/${before.needed}`));
  since.set(before, (await json(`${base}/Patient/${before.patient}`)).meta.lastUpdated);
  return before;
}

/** How often the marker is found by search, and told of by the history of the whole server. */
async function traces(base: string, marker: string, before: Before): Promise<{ found: number; told: number }> {
  const value = `${SYSTEM}%7C${encodeURIComponent(marker)}`;
  const found = [
    ...(await entries(`${base}/Patient?identifier=${value}`)),
    ...(await entries(`${base}/Observation?identifier=${value},${value}-new`)),
  ];
  let told = 0;
  const encoded = Buffer.from(marker).toString('base64').slice(0, -4);
  for await (const { text } of pages(
    `${base}/_history?_count=500&_since=${encodeURIComponent(since.get(before) ?? '')}`,
  ))
    told += text.split(JSON.stringify(marker)).length + text.split(encoded).length - 2;
  return { found: found.length, told };
}

async function statesOf(base: string, before: Before): Promise<Record<keyof Before, number | string>> {
  const stateOf = async (id: string): Promise<number | string> => {
    const { status, text } = await send(`${base}/Patient/${id}`);
    if (status === 410) return 'deleted';
    return status === 200 ? Number(JSON.parse(text).meta.versionId) : status;
  };
  return {
    patient: await stateOf(before.patient),
    needed: await stateOf(before.needed),
    deleted: await stateOf(before.deleted),
  };
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

const bundle = (entry: Entry[]) => ({ resourceType: 'Bundle', type: 'transaction', entry });

/** Announces all of the body, sends a part of it, and cuts the line. */
function sendPart(base: string, body: string, length: number): Promise<void> {
  const { protocol, hostname, port, pathname, host } = new URL(base);
  const secure = protocol === 'https:';
  const at = { host: hostname, port: Number(port === '' ? (secure ? 443 : 80) : port) };
  return new Promise((resolve, reject) => {
    const socket = secure ? connectTls({ ...at, servername: hostname }) : connectPlain(at);
    socket.on('error', reject);
    socket.on('close', () => resolve());
    const head = `POST ${pathname} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/fhir+json\r\n`;
    socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body.slice(0, length)}`, () => {
      socket.destroy();
    });
  });
}
