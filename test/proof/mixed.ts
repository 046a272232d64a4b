/**
 * The mixed load of the crash proofs: of 100 requests 40 create, 30 update, 20 are transactions, 5 delete and 5 search.
 * Each worker changes only what it made, so it knows what each answer must be, and goes on while the server is away.
 */
import assert from 'node:assert/strict';
import { pause, rawResources, send, versionAt, versionOf, type Answer } from './client.js';
import type { Ledger } from './ledger.js';
import { SYSTEM } from './races.js';

const WORKERS = 8;
/** Resources that a worker goes on with from one kill to the next. */
const KEPT = 20;

interface Known {
  id: string;
  version: number;
  marker: string;
}

/** What each worker knows, from one round to the next. */
export type Workers = Known[][];

export const newWorkers = (): Workers => Array.from({ length: WORKERS }, () => []);

/** Resolves when all have stopped. */
export async function mixedLoad(
  base: string,
  round: string,
  workers: Workers,
  ledger: Ledger,
  stop: AbortSignal,
): Promise<void> {
  await Promise.all(workers.map((own, at) => work(base, `${round}-${at}`, own, ledger, stop)));
}

async function work(base: string, name: string, own: Known[], ledger: Ledger, stop: AbortSignal): Promise<void> {
  for (let n = 0; !stop.aborted; n += 1) {
    const marker = `${name}-${n}`;
    const known = own[Math.floor(Math.random() * own.length)];
    const answer = await one(Math.random(), marker, known);
    if (answer.status === 0 || answer.status === 503) await pause(25);
    else assert.equal(answer.fate, 'done', `answered with ${answer.status}: ${answer.text.slice(0, 500)}`);
    if (own.length > KEPT) own.splice(0, own.length - KEPT);
  }

  function one(dice: number, marker: string, known: Known | undefined): Promise<Answer> {
    if (known === undefined || dice < 0.4) return create(marker);
    if (dice < 0.7) return update(marker, known);
    if (dice < 0.9) return transact(marker, dice < 0.8 ? known : undefined);
    return dice < 0.95 ? remove(known) : search(known);
  }

  async function create(marker: string): Promise<Answer> {
    const asked = performance.now();
    const answer = await send(`${base}/Basic`, { body: basic(marker) });
    ledger.mark(marker, answer.fate, 1);
    if (answer.fate === 'done') {
      const { id, version, name } = versionAt(answer.headers.location);
      ledger.acknowledge(name, version, answer.text, asked);
      own.push({ id, version, marker });
    }
    return answer;
  }

  async function update(marker: string, known: Known): Promise<Answer> {
    const asked = performance.now();
    const url = `${base}/Basic/${known.id}`;
    const headers: Record<string, string> = asked % 1 < 0.5 ? { 'If-Match': `W/"${known.version}"` } : {};
    const answer = await send(url, { method: 'PUT', headers, body: basic(marker, known.id) });
    ledger.mark(marker, answer.fate, 1);
    if (answer.fate === 'done') changed(known, versionOf(answer.headers.etag), marker, answer.text, asked);
    if (answer.fate === 'unknown') forget(known);
    return answer;
  }

  /** Two resources, both new or one of them known, under one marker. */
  async function transact(marker: string, known: Known | undefined): Promise<Answer> {
    const asked = performance.now();
    const created = { resource: basicAsObject(marker), request: { method: 'POST', url: 'Basic' } };
    const second =
      known === undefined
        ? created
        : {
            resource: basicAsObject(marker, known.id),
            request: { method: 'PUT', url: `Basic/${known.id}`, ifMatch: `W/"${known.version}"` },
          };
    const headers = { Prefer: 'return=representation' };
    const body = { resourceType: 'Bundle', type: 'transaction', entry: [created, second] };
    const answer = await send(base, { headers, body });
    ledger.mark(marker, answer.fate, 2);
    if (answer.fate === 'unknown' && known !== undefined) forget(known);
    if (answer.fate !== 'done') return answer;
    const bundle = JSON.parse(answer.text);
    const texts = rawResources(answer.text, bundle, 'response');
    bundle.entry.forEach(({ response }: any, at: number) => {
      const { id, version, name } = versionAt(response.location);
      if (at === 1 && known !== undefined) changed(known, version, marker, texts[at], asked);
      else {
        ledger.acknowledge(name, version, texts[at], asked);
        own.push({ id, version, marker });
      }
    });
    return answer;
  }

  async function remove(known: Known): Promise<Answer> {
    const asked = performance.now();
    const answer = await send(`${base}/Basic/${known.id}`, { method: 'DELETE' });
    if (answer.fate === 'done') changed(known, versionOf(answer.headers.etag), known.marker, undefined, asked);
    if (answer.fate === 'unknown') ledger.perhapsDeleted.add(`Basic/${known.id}`);
    if (answer.fate !== 'refused') forget(known);
    return answer;
  }

  /** Nobody else changes it, so a search must see it as it is. */
  async function search(known: Known): Promise<Answer> {
    const answer = await send(`${base}/Basic?identifier=${SYSTEM}%7C${known.marker}`);
    if (answer.fate === 'done') {
      const found: any[] = JSON.parse(answer.text).entry ?? [];
      const hit = found.find(({ resource }) => resource.id === known.id);
      assert.equal(hit?.resource.meta.versionId, String(known.version), `search does not see Basic/${known.id}`);
    }
    return answer;
  }

  function changed(known: Known, version: number, marker: string, text: string | undefined, asked: number): void {
    assert.equal(version, known.version + 1, `Basic/${known.id} was changed by nobody else, and skips a version`);
    ledger.acknowledge(`Basic/${known.id}`, version, text, asked);
    Object.assign(known, { version, marker });
  }

  function forget(known: Known): void {
    const at = own.indexOf(known);
    if (at !== -1) own.splice(at, 1);
  }
}

const FILLER = 'x'.repeat(400);

/** Text, not an object: the decimal must come back with its digits. */
function basic(marker: string, id?: string): string {
  const named = id === undefined ? '' : `"id":"${id}",`;
  return `{"resourceType":"Basic",${named}"extension":[{"url":"urn:proof","valueDecimal":1.50}],"identifier":[{"system":"${SYSTEM}","value":"${marker}"}],"code":{"coding":[{"system":"${SYSTEM}","code":"${marker}"}],"text":"${FILLER}"}}`;
}

const basicAsObject = (marker: string, id?: string): object => JSON.parse(basic(marker, id));
