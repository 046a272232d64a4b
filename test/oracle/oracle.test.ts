/**
 * T-06, and with it L-01 to L-06, L-08, T-01 to T-05, C-01, C-02, V-01 and V-02 at once: random callers ask random
 * questions of a small world, and every id, every total and every status must be what a naive authorizer says.
 */
import { readFileSync } from 'node:fs';
import { describeMongo, freshDatabase } from '../support/mongo.js';
import { openNow } from './authorizer.js';
import { holes } from './holes.js';
import { compare, type Figures } from './run.js';
import { openStand, type Stand } from './stand.js';
import { current, OWNERS } from './world.js';

const SEED = 2026;

test('40 holes and more can be made in the sources: each stands in one place', () => {
  expect(holes.length).toBeGreaterThanOrEqual(40);
  expect(new Set(holes.map(({ name }) => name)).size).toBe(holes.length);
  const lost = holes.filter(({ file, find, replace }) => {
    const source = readFileSync(new URL(`../../src/${file}`, import.meta.url), 'utf8');
    return source.split(find).length !== 2 || find === replace;
  });
  expect(lost.map(({ file, name }) => `${file}: ${name}`)).toEqual([]);
});

function suite(environment: Record<string, string>, pairs: number): void {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand({ MONGODB_DATABASE: freshDatabase(), ...environment }, SEED);
  }, 120_000);
  afterAll(() => stand.stop());

  test('the world has something of everything, and something is open to everybody', () => {
    const { kept } = stand.world;
    expect(kept.length).toBeGreaterThan(450);
    expect(kept.filter(({ versions }) => versions.length > 1).length).toBeGreaterThan(50);
    const requests = kept.filter(({ type }) => type === 'ServiceRequest').map((one) => current(one).status);
    expect(new Set(requests).size).toBeGreaterThan(4);
    for (const owner of OWNERS) expect(openNow(stand.world).get(owner)!.size).toBeGreaterThan(60);
  });

  test(`T-06 V-01 V-02 ${pairs} random callers and requests are answered as the oracle says`, async () => {
    const figures: Figures = await compare(stand, pairs, SEED);
    expect(figures.pairs).toBe(pairs);
    // Neither is everything refused, nor is everything allowed, nor does nothing change.
    expect(Math.min(figures.seen, figures.refused) / pairs).toBeGreaterThan(0.1);
    expect(figures.writes).toBeGreaterThan(pairs / 100);
  }, 240_000);
}

describe('SQLite: the oracle', () => suite({ STORE: 'sqlite' }, 2000));
describeMongo('the oracle', (url) => suite({ STORE: 'mongodb', MONGODB_URL: url }, 500));
