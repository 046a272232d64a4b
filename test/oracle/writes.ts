/** Writes: what may be changed, created and deleted, by id and by condition. What is accepted changes the world too. */
import fc from 'fast-check';
import type { Eyes } from './authorizer.js';
import { conditionOn } from './conditions.js';
import type { Request, Verdict } from './request.js';
import { found, maySearch } from './searches.js';
import { ofText, thereOf } from './state.js';
import { mayStep } from './steps.js';
import { consentOf } from './consents.js';
import { current, latest, nameOf, ref, type Json, type Kept, type World } from './world.js';

/** How a resource becomes the next one: [type, element, values]. */
const SUBJECTS = new Set([
  'Observation',
  'Condition',
  'Media',
  'DocumentReference',
  'Communication',
  'ServiceRequest',
  'CareTeam',
]);

/** One element that differs: whose it is, or what it says of itself. */
const nextOf = (world: World, kept: Kept): fc.Arbitrary<[string, Json]> => {
  const patients = Object.values(world.patients)
    .flat()
    .map((id) => ref(`Patient/${id}`));
  const choices: fc.Arbitrary<[string, Json]>[] = [
    fc.integer({ min: 1, max: 99 }).map((n) => ['language', `en-x-${n}`]),
  ];
  if (SUBJECTS.has(kept.type)) choices.push(fc.constantFrom(...patients).map((one) => ['subject', one]));
  if (kept.type === 'Observation')
    choices.push(
      fc
        .constantFrom(...world.kept.filter(({ type }) => type === 'ServiceRequest').map(nameOf))
        .map((to) => ['basedOn', [ref(to)]]),
    );
  if (kept.type === 'ServiceRequest')
    choices.push(
      ...Array<fc.Arbitrary<[string, Json]>>(2).fill(
        fc.constantFrom('active', 'on-hold', 'completed', 'revoked', 'draft').map((one) => ['status', one]),
      ),
    );
  if (kept.type === 'Consent')
    choices.push(
      ...Array<fc.Arbitrary<[string, Json]>>(3).fill(
        fc
          .constantFrom('inactive', 'entered-in-error')
          .map((ended) => ['status', latest(kept).status === 'active' ? ended : 'active']),
      ),
    );
  return fc.oneof(...choices);
};

/** References in a resource, and where its bytes are. */
export const leadingTo = ofText((resource: Json) => referencesIn(resource, true));
const referringTo = ofText((resource: Json) => referencesIn(resource, false));

function referencesIn(resource: Json, urls: boolean): string[] {
  if (Array.isArray(resource)) return resource.flatMap((one) => referencesIn(one, urls));
  if (typeof resource !== 'object' || resource === null) return [];
  return Object.entries(resource).flatMap(([name, value]) =>
    (name === 'reference' || (urls && name === 'url')) && typeof value === 'string' && /^[A-Z][A-Za-z]+\//.test(value)
      ? [value]
      : referencesIn(value, urls),
  );
}

/** What it refers to has to be there for the writer; what it referred to before stays, out of sight, but not deleted. */
export function leadsNowhere(eyes: Eyes, next: Json, was: Json): boolean {
  const before = new Set(was === undefined ? [] : leadingTo(was));
  return leadingTo(next).some((to) => {
    const target = eyes.world.at.get(to);
    if (target === undefined || current(target) === undefined) return true;
    return !before.has(to) && !eyes.mayReferTo(target);
  });
}

/** What a change of one that stands there is answered with. */
export function updated(eyes: Eyes, kept: Kept, next: Json, letter = 'u'): Verdict {
  const { token } = eyes;
  if (!eyes.reaches(kept.type, letter)) return { status: 403 };
  const was = current(kept);
  const step = kept.type === 'Task' && was !== undefined && letter !== 'd' ? mayStep(eyes, kept, next) : undefined;
  if (step === undefined && !eyes.sees(kept, 'rs') && !eyes.sees(kept, letter)) return { status: 404 };
  if (step !== undefined) return step ? { status: leadsNowhere(eyes, next, was) ? 'refused' : 200 } : { status: 403 };
  if (kept.owner !== token.organization || !eyes.sees(kept, letter))
    return { status: was === undefined ? 'refused' : 403 };
  if (letter === 'd') return { status: 204 };
  if (!eyes.allows(kept.type, letter, next)) return { status: 403 };
  if (leadsNowhere(eyes, next, was)) return { status: 'refused' };
  // To write to what was deleted brings it back.
  return { status: was === undefined ? 201 : 200 };
}

export const effectOf =
  (kept: Kept, next: Json): Request['effect'] =>
  ({ world }, { etag }) => {
    // What changes nothing makes no version.
    if (etag === `W/"${kept.versions.length}"`) return;
    kept.versions.push({ at: world.now, resource: next });
  };

export const update = (world: World): fc.Arbitrary<Request> => {
  const there = world.kept.filter(
    (kept) => current(kept) !== undefined && kept.type !== 'Binary' && kept.owner !== '*',
  );
  // What decides about others is changed more often than all the rest.
  const deciding = ['ServiceRequest', 'Consent'].map((type) => there.filter((kept) => kept.type === type));
  return fc.oneof(...[there, ...deciding].map((all) => fc.constantFrom(...all))).chain((kept) =>
    fc.tuple(nextOf(world, kept), fc.boolean()).map(([[element, value], patched]): Request => {
      const next = { ...latest(kept), [element]: value };
      const op = latest(kept)[element] === undefined ? 'add' : 'replace';
      return {
        ...(patched
          ? {
              method: 'PATCH',
              headers: { 'Content-Type': 'application/json-patch+json' },
              body: [{ op, path: `/${element}`, value }],
            }
          : { method: 'PUT', body: next }),
        path: `/${nameOf(kept)}`,
        about: kept,
        expected: (eyes) => {
          const verdict = updated(eyes, kept, next);
          return patched && verdict.status === 201 ? { status: 410 } : asImport(eyes, verdict, patched);
        },
        effect: effectOf(kept, next),
      };
    }),
  );
};

/** An administrator brings resources under their ids, so an id that is not there for them is theirs to use: but it is taken. */
export const asImport = ({ token }: Eyes, verdict: Verdict, patched: boolean): Verdict =>
  verdict.status === 404 && !patched && token.role === 'administrator' ? { status: 'refused' } : verdict;

/** A change that must not happen: its condition is stale. Who may not change it is told what a stranger is told. */
export const staleWrite = (world: World): fc.Arbitrary<Request> =>
  fc
    .tuple(fc.constantFrom(...world.kept.filter(({ owner }) => owner !== '*')), fc.constantFrom('PUT', 'DELETE'))
    .map(([kept, method]): Request => {
      const letter = method === 'PUT' ? 'u' : 'd';
      return {
        method: method,
        path: `/${kept.type}/${kept.id}`,
        headers: { 'If-Match': 'W/"99"' },
        about: kept,
        ...(method === 'PUT' ? { body: kept.versions[0]!.resource } : {}),
        expected(eyes) {
          const { token } = eyes;
          if (!eyes.reaches(kept.type, letter)) return { status: 403 };
          if (kept.owner === token.organization && eyes.sees(kept, letter)) return { status: 412 };
          if (eyes.sees(kept, 'rs')) return { status: kept.type === 'Task' ? 'refused' : 403 };
          // As if it were not there: nothing has version 99. An administrator may bring resources under their ids.
          if (method === 'DELETE') return { status: 412 };
          if (token.role !== 'administrator') return { status: 404 };
          return { status: eyes.reaches(kept.type, 'c') ? 412 : 403 };
        },
      };
    });

export const remove = (world: World): fc.Arbitrary<Request> => {
  const there = world.kept.filter((kept) => current(kept) !== undefined && kept.owner !== '*');
  return fc.constantFrom(...there).map((kept): Request => ({
    method: 'DELETE',
    path: `/${nameOf(kept)}`,
    expected(eyes) {
      const verdict = updated(eyes, kept, undefined, 'd');
      // What is not there is deleted already, and says so.
      if (verdict.status === 404) return { status: 204 };
      return verdict.status === 204 && isReferredTo(eyes.world, kept) ? { status: 409 } : verdict;
    },
    effect(eyes) {
      if (updated(eyes, kept, undefined, 'd').status === 204)
        kept.versions.push({ at: eyes.world.now, resource: undefined });
    },
  }));
};

/** What goes together may refer to itself. */
const isReferredTo = (world: World, kept: Kept, together: Kept[] = [kept]): boolean =>
  thereOf(world).some((one) => !together.includes(one) && referringTo(current(one)).includes(nameOf(kept)));

/** What is created in the name of a patient, and refers to whatever there is. */
const draft = (world: World): fc.Arbitrary<Json> => {
  const patient = fc.constantFrom(...Object.values(world.patients).flat()).map((id) => ref(`Patient/${id}`));
  const some = (type: string) => fc.constantFrom(...world.kept.filter((one) => one.type === type).map(nameOf)).map(ref);
  const code = { coding: [{ system: 'urn:oracle:codes', code: 'c1' }] };
  return fc.oneof(
    fc.tuple(patient, fc.option(some('ServiceRequest'))).map(([subject, on]) => ({ resourceType: 'Observation', status: 'final', code, subject, ...(on ? { basedOn: [on] } : {}) })),
    fc.tuple(patient, some('ServiceRequest'), some('Observation')).map(([subject, on, result]) => ({ resourceType: 'DiagnosticReport', status: 'final', code, subject, basedOn: [on], result: [result] })),
    fc.tuple(patient, some('ServiceRequest')).map(([subject, about]) => ({ resourceType: 'Communication', status: 'completed', subject, about: [about] })),
    fc.tuple(patient, some('Binary')).map(([subject, { reference }]) => ({ resourceType: 'Media', status: 'completed', subject, content: { contentType: 'image/png', url: reference } })),
    fc.tuple(patient, some('Practitioner'), some('Observation')).map(([subject, performer, info]) => ({ resourceType: 'ServiceRequest', status: 'active', intent: 'order', subject, performer: [performer], supportingInfo: [info] })),
    fc.tuple(patient, fc.option(some('Practitioner'))).map(([of, person]) => consentOf(of, person, world.now)),
    fc.tuple(patient, some('Practitioner'), some('ServiceRequest')).map(([of, owner, focus]) => ({ resourceType: 'Task', status: 'requested', intent: 'order', for: of, owner, focus })),
  ); // prettier-ignore
};

/** A Consent of who refuses something to the caller in person. */
const isAboutThem = (eyes: Eyes, next: Json): boolean =>
  next.resourceType === 'Consent' && eyes.isConcerned(eyes.token.organization, next);

function created(eyes: Eyes, next: Json): Verdict {
  if (!eyes.reaches(next.resourceType, 'c')) return { status: 403 };
  if (!eyes.allows(next.resourceType, 'c', next) || isAboutThem(eyes, next)) return { status: 403 };
  return { status: leadsNowhere(eyes, next, undefined) ? 'refused' : 201 };
}

const created_ =
  (next: Json): Request['effect'] =>
  ({ world, token: { organization: owner } }, { location }) => {
    const [, type = '', id = ''] = /([A-Za-z]+)\/([^/]+)\/_history\/1$/.exec(location) ?? [];
    // A create by condition may have found one that is there.
    if (id === '' || world.at.has(`${type}/${id}`)) return;
    const kept = { type, id, owner, versions: [{ at: world.now, resource: { ...next, id } }] };
    world.kept.push(kept);
    world.at.set(`${type}/${id}`, kept);
  };

export const create = (world: World): fc.Arbitrary<Request> =>
  draft(world).map((next) => ({
    method: 'POST',
    path: `/${next.resourceType}`,
    body: next,
    expected: (eyes) => created(eyes, next),
    effect: created_(next),
  }));

/** A create that happens only if nothing like it is there: for whom that is nothing, it is nothing. */
export const createByCondition = (world: World): fc.Arbitrary<Request> =>
  draft(world).chain((next) =>
    conditionOn(world, next.resourceType, 1).map((condition): Request => ({
      method: 'POST',
      path: `/${next.resourceType}`,
      headers: { 'If-None-Exist': condition.text },
      body: next,
      expected(eyes) {
        const mayCreate = eyes.reaches(next.resourceType, 'c');
        if (!mayCreate || !maySearch(eyes, next.resourceType, [condition])) return { status: 403 };
        const { length } = found(eyes, next.resourceType, [condition]);
        return length === 0 ? created(eyes, next) : { status: length === 1 ? 200 : 412 };
      },
      effect: created_(next),
    })),
  );

/** Changes of what a search finds. */
export const updateByCondition = (world: World): fc.Arbitrary<Request> =>
  fc.constantFrom('Observation', 'Condition', 'Media', 'ServiceRequest', 'Task', 'Patient').chain((type) =>
    fc
      .tuple(conditionOn(world, type, 1), fc.constantFrom('PATCH', 'DELETE'), fc.integer({ min: 1, max: 99 }))
      .map(([condition, method, n]): Request => {
        const patch = [{ op: 'add', path: '/language', value: `en-x-${n}` }];
        const hits = (eyes: Eyes) => found(eyes, type, [condition]);
        return {
          method: method,
          path: `/${type}?${condition.text}`,
          ...(method === 'PATCH' ? { headers: { 'Content-Type': 'application/json-patch+json' }, body: patch } : {}),
          expected(eyes) {
            const letter = method === 'PATCH' ? 'u' : 'd';
            if (!eyes.reaches(type, letter) || !maySearch(eyes, type, [condition])) return { status: 403 };
            const matches = hits(eyes);
            if (method === 'PATCH') {
              if (matches.length !== 1) return { status: matches.length === 0 ? 404 : 412 };
              return updated(eyes, matches[0]!, { ...current(matches[0]!), language: `en-x-${n}` });
            }
            if (matches.some((kept) => updated(eyes, kept, undefined, 'd').status !== 204)) return { status: 403 };
            return { status: matches.some((kept) => isReferredTo(eyes.world, kept, matches)) ? 409 : 204 };
          },
          effect(eyes) {
            const { now } = eyes.world;
            for (const kept of hits(eyes))
              kept.versions.push({
                at: now,
                resource: method === 'DELETE' ? undefined : { ...current(kept), language: `en-x-${n}` },
              });
          },
        };
      }),
  );
