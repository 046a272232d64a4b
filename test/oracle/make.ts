/**
 * A small world to ask about: three organizations, four patients each, and some 450 resources, with references that
 * cross organizations wherever a careless server would follow them. The same seed makes the same world.
 */
import { consents } from './consents.js';
import { directory, entrances } from './directory.js';
import { records } from './records.js';
import { referrals } from './referrals.js';

import { DAY, FIRST, GENDERS, nameOf, OWNERS, ref, TODAY, type Builder, type World } from './world.js';

export function makeWorld(seed: number): World {
  const next = random(seed);
  const world: World = { kept: [], at: new Map(), patients: {}, now: TODAY, revision: 0 };
  const pick = <T>(from: readonly T[]): T => from[Math.floor(next() * from.length)]!;
  const dealt = new Map<readonly unknown[], number>();
  const builder: Builder = {
    world,
    pick,
    deal: (from) => {
      const turn = dealt.get(from) ?? Math.floor(next() * from.length);
      dealt.set(from, turn + 1);
      return from[turn % from.length]!;
    },
    chance: (likelihood) => next() < likelihood,
    add: (type, owner, resource, age = FIRST) => {
      const id = resource.id ?? `${owner.slice(13, 14)}${world.kept.length + 1}`;
      const kept = {
        type,
        id,
        owner,
        versions: [{ at: TODAY - age * DAY, resource: { resourceType: type, id, ...resource } }],
      };
      world.kept.push(kept);
      world.at.set(`${type}/${id}`, kept);
      return `${type}/${id}`;
    },
    change: (to, age, change, by) => {
      const { versions } = world.at.get(to)!;
      const resource = change(versions.at(-1)!.resource);
      versions.push({ at: TODAY - age * DAY, resource, ...(by === undefined ? {} : { by }) });
    },
    some: (owner, type, foreign = 0.2) => {
      const all = world.kept.filter((one) => one.type === type);
      const own = all.filter((one) => one.owner === owner);
      const from = own.length > 0 && next() >= foreign ? own : all;
      return ref(from.length === 0 ? `${type}/none` : nameOf(pick(from)));
    },
  };
  directory(builder);
  for (const owner of OWNERS) {
    world.patients[owner] = [];
    for (let at = 0; at < 4; at += 1) {
      const link =
        at > 0 && next() < 0.4
          ? { link: [{ other: ref(`Patient/${pick(world.patients[owner])}`), type: 'seealso' }] }
          : {};
      const name = [{ family: `Fam${at}` }];
      world.patients[owner].push(builder.add('Patient', owner, { name, gender: pick(GENDERS), ...link }).slice(8));
    }
  }
  entrances(builder);
  records(builder);
  referrals(builder);
  consents(builder);
  return world;
}

/** mulberry32: small, and the same everywhere. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
