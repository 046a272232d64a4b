/** Each way to one resource, and every history. */
import fc from 'fast-check';
import { openNow, type Eyes } from './authorizer.js';
import type { Request, Verdict } from './request.js';
import { TYPES } from './roles.js';
import { showing, shows } from './sharing.js';
import { keptOf, ofText, once, thereOf } from './state.js';
import { current, latest, nameOf, OWNERS, TODAY, type Json, type Kept, type World } from './world.js';

const WAYS = [
  'read',
  'read',
  'head',
  'summary',
  'elements',
  'none-match',
  'bytes',
  'vread',
  'vread',
  'history',
] as const;
type Way = (typeof WAYS)[number];

/** Whether there is an answer for this caller at all; `then` says which. */
function seen(eyes: Eyes, kept: Kept, then: () => Verdict): Verdict {
  if (!eyes.reaches(kept.type, 'r')) return { status: 403 };
  return eyes.sees(kept, 'r') ? then() : { status: 404 };
}

interface Looked {
  kept: Kept;
  /** By whose text it is told who has to do with it. */
  about: Pick<Kept, 'owner' | 'versions'>;
  ways: readonly Way[];
  by?: Request['by'];
  /** Of its versions, only those before the newest are asked for. */
  isPast?: boolean;
}

/** What was changed has a past to hide, what was another patient's above all, and what is referred is hidden from many. */
const oneOf = (world: World): fc.Arbitrary<Looked> => {
  const alone = (ways: readonly Way[]) => (kept: Kept) => ({ kept, about: kept, ways });
  const changed = world.kept.filter(({ versions }) => versions.length > 1);
  const patients = ({ versions }: Kept) => new Set(versions.map(({ resource }) => resource?.subject?.reference));
  const moved = changed.filter((kept) => patients(kept).size > 1);
  return fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...world.kept).map(alone(WAYS)) },
    { weight: 4, arbitrary: fc.constantFrom(...changed).map(alone(WAYS)) },
    { weight: 2, arbitrary: fc.constantFrom(...moved).map(alone(['vread', 'vread', 'history'])) },
    { weight: 4, arbitrary: fc.tuple(fc.constantFrom(...moved), fc.nat()).map(([kept, nth]) => asWas(kept, nth)) },
    {
      weight: 4,
      arbitrary: fc.tuple(fc.nat(), fc.nat(), fc.boolean()).map(([nth, at, isLate]) => decided(world, nth, at, isLate)),
    },
    { weight: 4, arbitrary: fc.nat().map((nth) => freed(world, nth) ?? decided(world, nth, nth, true)) },
    { weight: 1, arbitrary: fc.nat().map((nth) => form(world, nth) ?? decided(world, nth, nth, false)) },
    { weight: 1, arbitrary: fc.nat().map((nth) => sent(world, nth) ?? decided(world, nth, nth, false)) },
  );
};

/** What was another patient's, by one of those whose it is or was. */
function asWas(kept: Kept, nth: number): Looked {
  const spoken = kept.versions.filter(({ resource }) => resource?.subject !== undefined);
  const { at, resource } = spoken[nth % spoken.length]!;
  const versions = [{ at, resource: { subject: resource.subject } }];
  return { kept, about: { owner: kept.owner, versions }, ways: ['vread', 'vread', 'history'], by: BOUND, isPast: true };
}

/** Those of whom one half may see one patient alone. */
const BOUND = ['patient', 'referrer'] as const;

/** What a referral or a Consent decides about; as often as not one that was written while it was asked. */
function decided(world: World, nth: number, at: number, isLate: boolean): Looked {
  const all = ['ServiceRequest', 'Task', 'Consent'].flatMap((type) => keptOf(world, type));
  const late = all.filter(({ versions }) => versions.at(-1)!.at >= TODAY);
  const from = isLate && late.length > 0 ? late : all;
  const one = from[nth % from.length]!;
  const { patient } = latest(one);
  const concerned = once(world, `decided by ${nameOf(one)}`, () =>
    world.kept.filter((kept) =>
      patient === undefined
        ? kept === one || refersTo(one, kept) || refersTo(kept, one)
        : kept.owner === one.owner && said(kept).includes(patient.reference),
    ),
  );
  const kept = concerned[at % concerned.length] ?? one;
  return { kept, about: { owner: kept.owner, versions: [...kept.versions, ...one.versions] }, ways: WAYS };
}

/** What is open to another organization since a Consent of its patient ended, which was while it was asked. */
function freed(world: World, nth: number): Looked | undefined {
  const all = once(world, 'freed', () => {
    const ended = keptOf(world, 'Consent').filter(
      ({ versions }) => versions.at(-1)!.at >= TODAY && versions.at(-1)!.resource?.status !== 'active',
    );
    return world.kept.flatMap((kept) =>
      ended.some((one) => one.owner === kept.owner && said(kept).includes(latest(one).patient.reference))
        ? OWNERS.filter((to) => openNow(world).get(to)!.has(nameOf(kept))).map((to) => ({ kept, to }))
        : [],
    );
  });
  const one = all[nth % Math.max(all.length, 1)];
  return one && { kept: one.kept, about: { owner: one.to, versions: [] }, ways: ['read'] };
}

/** A form that a referral opens: of all that is, the one that an auditor's role is not in the way of. */
function form(world: World, nth: number): Looked | undefined {
  const all = once(world, 'forms', () =>
    OWNERS.flatMap((to) =>
      keptOf(world, 'Questionnaire')
        .filter((kept) => kept.owner !== to && openNow(world).get(to)!.has(nameOf(kept)))
        .map((kept) => ({ kept, to })),
    ),
  );
  const one = all[nth % Math.max(all.length, 1)];
  return one && { kept: one.kept, about: { owner: one.to, versions: [] }, ways: ['read'], by: ['auditor'] };
}

/** Bytes that say whose they are, by whose record shows them. */
function sent(world: World, nth: number): Looked | undefined {
  const all = once(world, 'sent', () =>
    thereOf(world, 'Binary')
      .filter((kept) => current(kept).securityContext !== undefined)
      .flatMap((kept) =>
        showing(world)
          .filter((one) => shows(one, kept))
          .map((by) => ({ kept, by })),
      ),
  );
  const one = all[nth % Math.max(all.length, 1)];
  const versions = one === undefined ? [] : [{ at: world.now, resource: { subject: current(one.by).subject } }];
  return one && { kept: one.kept, about: { owner: one.kept.owner, versions }, ways: ['read', 'bytes'], by: BOUND };
}

const textOf = ofText((resource: Json): string => JSON.stringify(resource));
const said = (kept: Kept): string => textOf(latest(kept));
const refersTo = (one: Kept, other: Kept): boolean => said(one).includes(`"${nameOf(other)}"`);

export const look = (world: World): fc.Arbitrary<Request> =>
  fc.tuple(oneOf(world), fc.nat(), fc.nat()).map(([{ kept, about, ways, by, isPast = false }, turn, nth]): Request => {
    const way = ways[turn % ways.length]!;
    const at = nameOf(kept);
    const whole = (): Verdict => (current(kept) === undefined ? { status: 410 } : { status: 200, shown: [at] });
    const bare = (): Verdict => (current(kept) === undefined ? { status: 410 } : { status: 200 });
    const version = (nth % (kept.versions.length - (isPast ? 1 : 0))) + 1;
    const rows: Record<Way, Request> = {
      read: { method: 'GET', path: `/${at}`, expected: (eyes) => seen(eyes, kept, whole) },
      head: { method: 'HEAD', path: `/${at}`, expected: (eyes) => seen(eyes, kept, bare) },
      summary: { method: 'GET', path: `/${at}?_summary=true`, expected: (eyes) => seen(eyes, kept, whole) },
      elements: { method: 'GET', path: `/${at}?_elements=id`, expected: (eyes) => seen(eyes, kept, whole) },
      bytes: {
        method: 'GET',
        path: `/${at}`,
        headers: kept.type === 'Binary' ? { Accept: '*/*', Range: 'bytes=0-3' } : {},
        expected: (eyes) =>
          seen(eyes, kept, () => (kept.type === 'Binary' && current(kept) !== undefined ? { status: 206 } : bare())),
      },
      'none-match': {
        method: 'GET',
        path: `/${at}`,
        headers: { 'If-None-Match': `W/"${kept.versions.length}"` },
        expected: (eyes) => seen(eyes, kept, () => (current(kept) === undefined ? { status: 410 } : { status: 304 })),
      },
      vread: {
        method: 'GET',
        path: `/${at}/_history/${version}`,
        expected: (eyes) =>
          seen(eyes, kept, () => {
            if (!eyes.sees(kept, 'r', version - 1)) return { status: 404 };
            return kept.versions[version - 1]!.resource === undefined ? { status: 410 } : { status: 200, shown: [at] };
          }),
      },
      history: {
        method: 'GET',
        path: `/${at}/_history?_count=1000`,
        expected: (eyes) => seen(eyes, kept, () => ({ status: 200, shown: versionsOf(eyes, [kept], 'r') })),
      },
    };
    // A Binary has no summary.
    return {
      ...rows[kept.type === 'Binary' && (way === 'summary' || way === 'elements') ? 'read' : way],
      about,
      ...(by && { by }),
    };
  });

/** What comes with the server has other histories than the world's, and hides nothing. */
const versionsOf = (eyes: Eyes, all: Kept[], letter: string): string[] =>
  all
    .filter((kept) => kept.owner !== '*' && eyes.sees(kept, letter))
    .flatMap((kept) =>
      kept.versions.flatMap((_, at) => (eyes.sees(kept, letter, at) ? [`${nameOf(kept)}/${at + 1}`] : [])),
    )
    .sort();

export const history = (world: World): fc.Arbitrary<Request> =>
  fc.tuple(fc.constantFrom(...TYPES), fc.option(fc.constantFrom(...world.kept))).map(([type, since]): Request => {
    const from = since?.versions[0]?.at;
    const more = from === undefined ? '' : `&_since=${new Date(from).toISOString()}`;
    return {
      method: 'GET',
      path: `/${type}/_history?_count=1000${more}`,
      expected(eyes) {
        if (!eyes.reaches(type, 's')) return { status: 403 };
        const all = eyes.world.kept.filter((kept) => kept.type === type);
        const isSince = (name: string) => {
          const [, id, at] = name.split('/');
          return from === undefined || eyes.world.at.get(`${type}/${id}`)!.versions[Number(at) - 1]!.at >= from;
        };
        return { status: 200, shown: versionsOf(eyes, all, 's').filter(isSince) };
      },
    };
  });

/** Everything that there is, page after page. */
export const systemHistory = (): fc.Arbitrary<Request> =>
  fc.constant({
    method: 'GET',
    path: '/_history?_count=1000',
    follow: 'pages',
    expected(eyes) {
      const reached = [...new Set(TYPES)].filter((type) => eyes.reaches(type, 's'));
      if (reached.length === 0) return { status: 403 };
      const all = eyes.world.kept.filter((kept) => reached.includes(kept.type));
      return { status: 200, shown: versionsOf(eyes, all, 's') };
    },
  } satisfies Request);
