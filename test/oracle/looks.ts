/** Each way to one resource, and every history. */
import fc from 'fast-check';
import type { Eyes } from './authorizer.js';
import type { Request, Verdict } from './request.js';
import { TYPES } from './searches.js';
import { current, nameOf, type Kept, type World } from './world.js';

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

/** Whether there is an answer for this caller at all; `then` says which. */
function seen(eyes: Eyes, kept: Kept, then: () => Verdict): Verdict {
  if (!eyes.reaches(kept.type, 'r')) return { status: 403 };
  return eyes.sees(kept, 'r') ? then() : { status: 404 };
}

/** What was changed has a past to hide, and is looked at as often as all the rest. */
const oneOf = (world: World): fc.Arbitrary<Kept> =>
  fc.oneof(
    fc.constantFrom(...world.kept),
    fc.constantFrom(...world.kept.filter(({ versions }) => versions.length > 1)),
  );

export const look = (world: World): fc.Arbitrary<Request> =>
  fc.tuple(oneOf(world), fc.constantFrom(...WAYS), fc.nat()).map(([kept, way, nth]): Request => {
    const at = nameOf(kept);
    const whole = (): Verdict => (current(kept) === undefined ? { status: 410 } : { status: 200, shown: [at] });
    const bare = (): Verdict => (current(kept) === undefined ? { status: 410 } : { status: 200 });
    const version = (nth % kept.versions.length) + 1;
    const rows: Record<(typeof WAYS)[number], Request> = {
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
    return { ...rows[kept.type === 'Binary' && (way === 'summary' || way === 'elements') ? 'read' : way], about: kept };
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
