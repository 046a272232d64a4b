/**
 * Races: of many who create the same on condition that it is not there one does, and of many who change the same
 * version one does. By themselves, in transactions, in both at once, and over two processes where there are two.
 */
import assert from 'node:assert/strict';
import { entries, json, sendPatiently, versionAt, versionOf, type Answer } from './client.js';
import type { ProofByAsking } from './index.js';

const RACERS = 64;
export const SYSTEM = 'urn:afferent:proof';

/** Unlike those of all other runs, also against a server that keeps its data. */
export const runName = (): string => `${process.pid.toString(36)}${Math.floor(Math.random() * 1e9).toString(36)}`;

type Create = (base: string, marker: string, racer: number) => Promise<Created>;

interface Created {
  /** 0 and why: no answer came. */
  status: number | string;
  location: string;
}

/** TABLE: how the racers of a round ask. */
const rounds: readonly Create[][] = [[alone], [inTransaction], [alone, inTransaction]];

export const conditionalCreates: ProofByAsking = {
  name: 'races of conditional creates',
  rounds: { long: 1000, short: 50 },
  async against(bases, count) {
    const run = runName();
    const figures = { rounds: count, racers: RACERS, processes: bases.length, created: 0, found: 0, duplicates: 0 };
    for (let round = 0; round < count; round += 1) {
      const ways = rounds[round % rounds.length] ?? [];
      const marker = `${run}-${round}`;
      const racing = Array.from({ length: RACERS }, (_, racer) => {
        const way = ways[racer % ways.length] ?? alone;
        return way(bases[Math.floor(racer / ways.length) % bases.length] ?? '', marker, racer);
      });
      const answers = await Promise.all(racing);
      const told = `round ${round}: ${JSON.stringify(statuses(answers))}`;
      const winners = answers.filter(({ status }) => status === 201);
      assert.equal(winners.length, 1, `not exactly one created, ${told}`);
      const places = new Set(answers.map(({ location }) => versionAt(location).name));
      assert.ok(
        answers.every(({ status }) => status === 200 || status === 201),
        `not all others were told of the winner, ${told}`,
      );
      assert.deepEqual([...places], [versionAt(winners[0]?.location).name], `not all were told the same, ${told}`);
      for (const base of bases) await verify(base, marker, winners[0]?.location, ways);
      figures.created += 1;
      figures.found += RACERS - 1;
    }
    return figures;
  },
};

/** There is one, and what the transactions brought beside it refers to that one. */
async function verify(base: string, marker: string, location: string | undefined, ways: Create[]): Promise<void> {
  const { id, name } = versionAt(location);
  const found = await entries(`${base}/Patient?identifier=${SYSTEM}%7C${marker}`);
  assert.deepEqual(
    found.map(({ resource }) => resource.id),
    [id],
    `search does not find exactly the one that was created: ${marker}`,
  );
  const beside = ways.includes(inTransaction) ? RACERS / ways.length : 0;
  const notes = await entries(`${base}/Observation?subject=${name}&_count=100`);
  assert.equal(notes.length, beside, `not every transaction refers to the winner: ${marker}`);
}

const patient = (marker: string) => ({
  resourceType: 'Patient',
  identifier: [{ system: SYSTEM, value: marker }],
});

async function alone(base: string, marker: string): Promise<Created> {
  const headers = { 'If-None-Exist': `identifier=${SYSTEM}|${marker}` };
  const answer = await sendPatiently(`${base}/Patient`, { headers, body: patient(marker) });
  const { location = '', 'content-location': other = '' } = answer.headers;
  return { status: statusOf(answer), location: location === '' ? other : location };
}

async function inTransaction(base: string, marker: string, racer: number): Promise<Created> {
  const fullUrl = 'urn:uuid:9d0f6d0e-6c1b-4d5c-8f1e-2f6f4b0a7c11';
  const answer = await transact(base, [
    {
      fullUrl,
      resource: patient(marker),
      request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=${SYSTEM}|${marker}` },
    },
    {
      resource: {
        resourceType: 'Observation',
        identifier: [{ system: SYSTEM, value: `${marker}-${racer}` }],
        status: 'final',
        code: { text: 'raced' },
        subject: { reference: fullUrl },
      },
      request: { method: 'POST', url: 'Observation' },
    },
  ]);
  if (answer.fate !== 'done') return { status: statusOf(answer), location: '' };
  const { status, location } = JSON.parse(answer.text).entry[0].response;
  return { status: Number.parseInt(String(status)), location };
}

const transact = (base: string, entry: object[]): Promise<Answer> =>
  sendPatiently(base, { body: { resourceType: 'Bundle', type: 'transaction', entry } });

const statusOf = ({ status, text }: Answer): number | string => (status === 0 ? `0, ${text}` : status);

function statuses(answers: Created[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { status } of answers) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

const RESOURCES = 10;

/** Rounds stand for the writes that each of the writers gets acknowledged. */
export const lostUpdates: ProofByAsking = {
  name: 'lost updates under If-Match',
  rounds: { long: 100, short: 5 },
  async against(bases, each) {
    const run = runName();
    const [base = ''] = bases;
    const ids = await Promise.all(
      Array.from({ length: RESOURCES }, async (_, at) => {
        const { headers } = await sendPatiently(`${base}/Patient`, { body: patient(`${run}-${at}`) });
        return versionAt(headers.location).id;
      }),
    );
    const written = new Map<string, { id: string; version: number }[]>();
    const figures = {
      writers: RACERS,
      resources: RESOURCES,
      acknowledged: 0,
      inTransactions: 0,
      overtaken: 0,
      lost: 0,
    };
    await Promise.all(Array.from({ length: RACERS }, (_, writer) => write(bases[writer % bases.length] ?? '', writer)));
    for (const id of ids) await verifyHistory(id);
    for (const [marker, places] of written) assert.equal(places.length, 0, `LOST: ${marker} was acknowledged`);
    return figures;

    async function write(to: string, writer: number): Promise<void> {
      for (let done = 0; done < each;) {
        const marker = `${run}-${writer}-${done}`;
        const places = await (done % 4 === 3 ? changeTwo(to, marker) : changeOne(to, marker));
        if (places === undefined) {
          figures.overtaken += 1;
          continue;
        }
        written.set(marker, places);
        figures.acknowledged += places.length;
        if (places.length > 1) figures.inTransactions += places.length;
        done += 1;
      }
    }

    /** What was written; undefined when another was quicker. */
    async function changeOne(to: string, marker: string) {
      const seen = await read(to, pick());
      const headers = { 'If-Match': seen.etag };
      const answer = await sendPatiently(`${to}/Patient/${seen.id}`, {
        method: 'PUT',
        headers,
        body: changed(seen.id, marker),
      });
      if (wasOvertaken(answer)) return undefined;
      assert.equal(answer.status, 200, `update by If-Match: ${answer.status} ${answer.text}`);
      return [follower(seen, answer.headers.etag)];
    }

    async function changeTwo(to: string, marker: string) {
      const first = pick();
      const others = ids.filter((id) => id !== first);
      const second = others[Math.floor(Math.random() * others.length)] ?? '';
      const both = await Promise.all([read(to, first), read(to, second)]);
      const answer = await transact(
        to,
        both.map(({ id, etag }) => ({
          resource: changed(id, marker),
          request: { method: 'PUT', url: `Patient/${id}`, ifMatch: etag },
        })),
      );
      if (wasOvertaken(answer)) return undefined;
      assert.equal(answer.status, 200, `transaction with ifMatch: ${answer.status} ${answer.text}`);
      const told: any[] = JSON.parse(answer.text).entry;
      return both.map((seen, at) => follower(seen, told[at].response.etag));
    }

    function pick(): string {
      return ids[Math.floor(Math.random() * ids.length)] ?? '';
    }

    async function verifyHistory(id: string): Promise<void> {
      const found = (await entries(`${base}/Patient/${id}/_history?_count=1000`)).toReversed();
      const own = [...written].filter(([, places]) => places.some((place) => place.id === id));
      assert.equal(found.length - 1, own.length, `Patient/${id}: acknowledged is not the final version - 1`);
      found.forEach(({ resource }, at) => {
        assert.equal(Number(resource.meta.versionId), at + 1, `Patient/${id} has a gap`);
        const marker = resource.identifier[0].value;
        if (at === 0) return;
        const places = written.get(marker);
        const place = places?.findIndex((one) => one.id === id && one.version === at + 1) ?? -1;
        assert.ok(place >= 0, `Patient/${id} version ${at + 1} was acknowledged to nobody: ${marker}`);
        places?.splice(place, 1);
      });
    }
  },
};

async function read(base: string, id: string): Promise<{ id: string; etag: string }> {
  const { meta } = await json(`${base}/Patient/${id}`);
  return { id, etag: `W/"${meta.versionId}"` };
}

/** What was written must follow what was seen: else it took away what another wrote in between. */
function follower({ id, etag }: { id: string; etag: string }, written: string | undefined) {
  const version = versionOf(written);
  assert.equal(version, versionOf(etag) + 1, `LOST UPDATE: Patient/${id} was changed since version ${etag} was seen`);
  return { id, version };
}

const changed = (id: string, marker: string) => ({ ...patient(marker), id });

const wasOvertaken = ({ status }: Answer): boolean => status === 412 || status === 409;
