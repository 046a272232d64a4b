/** Searches with everything that shapes their result. */
import fc from 'fast-check';
import type { Eyes } from './authorizer.js';
import { conditionOn, REFERENCES, refersTo, STEPS, type Condition } from './conditions.js';
import { isSame, names, type Request, type Verdict } from './request.js';
import { isMember, TYPES, type Token } from './roles.js';
import type { Kept, World } from './world.js';

const PLAIN = ['', '', '&_sort=-_lastUpdated', '&_elements=id', '&_summary=true', '&_summary=text', '&_summary=data'];

export const maySearch = (eyes: Eyes, type: string, conditions: Condition[]): boolean =>
  [type, ...conditions.flatMap(({ through }) => through)].every((one) => eyes.reaches(one, 's'));

export const found = (eyes: Eyes, type: string, conditions: Condition[]): Kept[] =>
  eyes.visible(type, 's').filter((kept) => conditions.every(({ meets }) => meets(eyes, kept)));

const conditionsOf = (world: World, type: string) => fc.array(conditionOn(world, type), { maxLength: 2 });
const typeOf = fc.constantFrom(...TYPES);

export const search = (world: World): fc.Arbitrary<Request> =>
  typeOf.chain((type) =>
    fc
      .tuple(conditionsOf(world, type), fc.constantFrom(...PLAIN), fc.boolean())
      .map(([conditions, plain, posted]): Request => {
        const query = `${[...conditions.map(({ text }) => text), '_count=1000'].join('&')}&_total=accurate${plain}`;
        return {
          ...(posted
            ? {
                method: 'POST',
                path: `/${type}/_search`,
                headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
                body: query,
              }
            : { method: 'GET', path: `/${type}?${query}` }),
          through: conditions.flatMap(({ through }) => through),
          expected(eyes) {
            if (!maySearch(eyes, type, conditions)) return { status: 403 };
            const matches = found(eyes, type, conditions);
            return { status: 200, shown: names(matches), total: matches.length };
          },
        };
      }),
  );

export const count = (world: World): fc.Arbitrary<Request> =>
  typeOf.chain((type) =>
    conditionsOf(world, type).map((conditions) => ({
      method: 'GET',
      path: `/${type}?${[...conditions.map(({ text }) => text), '_summary=count'].join('&')}`,
      through: conditions.flatMap(({ through }) => through),
      expected: (eyes) =>
        maySearch(eyes, type, conditions)
          ? { status: 200, shown: [], total: found(eyes, type, conditions).length }
          : { status: 403 },
    })),
  );

/** All pages, or a page that somebody else was given the link of. */
export const pages = (world: World, tokens: fc.Arbitrary<Token>): fc.Arbitrary<Request> =>
  typeOf.chain((type) =>
    fc
      .tuple(conditionsOf(world, type), fc.integer({ min: 2, max: 9 }), fc.option(tokens))
      .map(([conditions, size, other]): Request => ({
        method: 'GET',
        path: `/${type}?${[...conditions.map(({ text }) => text), `_count=${size}`].join('&')}`,
        follow: other ?? 'pages',
        expected(eyes) {
          if (!maySearch(eyes, type, conditions)) return { status: 403 };
          const matches = found(eyes, type, conditions);
          if (other === null || isSame(eyes.token, other) || matches.length <= size)
            return { status: 200, shown: names(matches) };
          return { status: 'refused' };
        },
      })),
  );

/** One hop of an include: from which type, by which parameter, forwards or backwards, once or as long as it leads on. */
interface Hop {
  type: string;
  param: string;
  backwards: boolean;
  iterate: boolean;
}

export const include = (world: World): fc.Arbitrary<Request> =>
  fc.constantFrom(...STEPS).chain(([from, , to]) =>
    fc.tuple(fc.constantFrom(from, to), fc.array(hop, { minLength: 1, maxLength: 3 })).chain(([type, drawn]) =>
      conditionsOf(world, type).map((conditions): Request => {
        const hops = drawn.map((one) => (leadsFrom(one, type) ? one : { ...one, iterate: true }));
        const texts = hops.map(
          ({ type: source, param, backwards, iterate }) =>
            `_${backwards ? 'rev' : ''}include${iterate ? ':iterate' : ''}=${source}:${param}`,
        );
        return {
          method: 'GET',
          path: `/${type}?${[...conditions.map(({ text }) => text), '_count=1000', '_total=accurate', ...texts].join('&')}`,
          expected: (eyes) => included(eyes, type, conditions, hops),
        };
      }),
    ),
  );

/** Whether it begins at what the search itself finds; all others begin at what is included, which `:iterate` says. */
const leadsFrom = ({ type, param, backwards }: Hop, found: string): boolean =>
  backwards ? STEPS.some(([from, by, to]) => from === type && by === param && to === found) : type === found;

const hop: fc.Arbitrary<Hop> = fc
  .tuple(
    fc.constantFrom(
      ...Object.entries(REFERENCES).flatMap(([type, params]) =>
        Object.keys(params).map((param) => [type, param] as const),
      ),
    ),
    fc.boolean(),
    fc.boolean(),
  )
  .map(([[type, param], backwards, iterate]) => ({ type, param, backwards, iterate }));

/** Deeper than the server follows nothing leads here: limits.includeDepth. */
function included(eyes: Eyes, type: string, conditions: Condition[], hops: Hop[]): Verdict {
  if (!maySearch(eyes, type, conditions)) return { status: 403 };
  const matches = found(eyes, type, conditions);
  const shown = new Set(matches);
  for (let newest = matches, round = 0; newest.length > 0 && round < 10; round += 1) {
    const next = new Set<Kept>();
    for (const { type: source, param, backwards, iterate } of hops) {
      if (round > 0 && !iterate) continue;
      if (!backwards) {
        for (const kept of newest.filter((one) => one.type === source))
          for (const to of refersTo(source, param, kept)) {
            const other = eyes.world.at.get(to);
            if (other !== undefined && eyes.visible(other.type, 'rs').includes(other)) next.add(other);
          }
      } else
        for (const other of eyes.visible(source, 'rs'))
          if (refersTo(source, param, other).some((to) => newest.includes(eyes.world.at.get(to)!))) next.add(other);
    }
    newest = [...next].filter((one) => !shown.has(one));
    for (const one of newest) shown.add(one);
  }
  return { status: 200, shown: names([...shown]), total: matches.length };
}

const COMPARTMENT_TYPES = [
  'Observation',
  'Condition',
  'Communication',
  'ServiceRequest',
  'Media',
  'DocumentReference',
  'CareTeam',
];

export const compartment = (world: World): fc.Arbitrary<Request> =>
  fc
    .tuple(fc.constantFrom(...COMPARTMENT_TYPES), fc.constantFrom(...Object.values(world.patients).flat()))
    .map(([type, patient]): Request => ({
      method: 'GET',
      path: `/Patient/${patient}/${type}?_count=1000&_total=accurate`,
      expected(eyes) {
        if (!eyes.reaches(type, 's')) return { status: 403 };
        const shown = eyes.visible(type, 's').filter((kept) => isMember(patient, type, kept.versions.at(-1)!.resource));
        return { status: 200, shown: names(shown), total: shown.length };
      },
    }));
